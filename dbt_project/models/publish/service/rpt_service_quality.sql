-- Grain: one row per month of opening, type and channel of service requests.
with

requests as (

    select
        *,
        cast(date_trunc('month', opened_date) as date) as opened_month
    from {{ ref('fct_service_requests') }}
    where opened_date is not null

),

answers as (

    select
        subject as request_id,
        avg(score) as csat_score
    from {{ ref('fct_survey_responses') }}
    where
        survey = 'csat'
        and score is not null
        and subject is not null
    group by subject

),

groups as (

    select
        requests.opened_month,
        requests.request_type,
        coalesce(requests.channel, 'other') as channel,
        count(distinct coalesce(requests.customer_id, requests.request_id)) as count_customers,
        count(distinct coalesce(requests.customer_id, requests.request_id)) filter (where answers.csat_score is not null)
            as count_answering_customers,
        count(*) as count_requests,
        count(*) filter (where requests.resolved_at is null) as count_open_requests,
        count(requests.response_minutes_business) as count_answered_requests,
        percentile_cont(0.5) within group (order by requests.response_minutes_business) as median_response_minutes_business,
        percentile_cont(0.9) within group (order by requests.response_minutes_business) as p90_response_minutes_business,
        percentile_cont(0.5) within group (order by requests.response_minutes_clock) as median_response_minutes_clock,
        percentile_cont(0.5) within group (order by requests.resolution_minutes_business)
            as median_resolution_minutes_business,
        percentile_cont(0.9) within group (order by requests.resolution_minutes_business) as p90_resolution_minutes_business,
        percentile_cont(0.5) within group (order by requests.resolution_minutes_clock) as median_resolution_minutes_clock,
        avg(case when requests.is_reopened then 1.0 else 0.0 end) as reopened_share,
        avg(case when requests.is_closed_loop then 1.0 when not requests.is_closed_loop then 0.0 end) as closed_loop_share,
        count(answers.csat_score) as count_csat_scores,
        avg(answers.csat_score) as csat_score
    from requests
    left join answers on requests.request_id = answers.request_id
    group by requests.opened_month, requests.request_type, coalesce(requests.channel, 'other')

),

{{ hidden_groups(
    'guarded', 'groups', 'count_customers', is_small_group('count_customers'),
    totals=[['opened_month']], key=['request_type', 'channel']
) }},

{{ hidden_groups(
    'asked', 'guarded', 'count_answering_customers', 'is_hidden or ' ~ is_small_group('count_answering_customers'),
    totals=[['opened_month']], key=['request_type', 'channel'], column='is_csat_hidden'
) }}

select
    opened_month,
    request_type,
    channel,
    cast({{ shown('count_requests', 'is_hidden') }} as integer) as count_requests,
    cast({{ shown('count_open_requests', 'is_hidden') }} as integer) as count_open_requests,
    cast({{ shown('count_answered_requests', 'is_hidden') }} as integer) as count_answered_requests,
    {{ shown('median_response_minutes_business', 'is_hidden') }} as median_response_minutes_business,
    {{ shown('p90_response_minutes_business', 'is_hidden') }} as p90_response_minutes_business,
    {{ shown('median_response_minutes_clock', 'is_hidden') }} as median_response_minutes_clock,
    {{ shown('median_resolution_minutes_business', 'is_hidden') }} as median_resolution_minutes_business,
    {{ shown('p90_resolution_minutes_business', 'is_hidden') }} as p90_resolution_minutes_business,
    {{ shown('median_resolution_minutes_clock', 'is_hidden') }} as median_resolution_minutes_clock,
    cast({{ shown('reopened_share', 'is_hidden') }} as numeric(6, 5)) as reopened_share,
    cast({{ shown('closed_loop_share', 'is_hidden') }} as numeric(6, 5)) as closed_loop_share,
    cast({{ shown('count_csat_scores', 'is_csat_hidden') }} as integer) as count_csat_scores,
    cast({{ shown('csat_score', 'is_csat_hidden') }} as numeric(4, 2)) as csat_score,
    is_hidden or is_csat_hidden as is_suppressed
from asked
