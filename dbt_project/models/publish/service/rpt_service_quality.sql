-- Grain: one row per month of opening, type and channel of service requests; of few customers together, as other.
with

requests as (

    select
        request_id,
        cast(date_trunc('month', opened_date) as date) as opened_month,
        request_type,
        coalesce(channel, 'other') as channel,
        coalesce(customer_id, request_id) as requester,
        resolved_at,
        response_minutes_business,
        response_minutes_clock,
        resolution_minutes_business,
        resolution_minutes_clock,
        is_reopened,
        is_closed_loop
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
        opened_month,
        request_type,
        channel,
        count(distinct requester) as count_customers
    from requests
    group by opened_month, request_type, channel

),

{{ hidden_groups(
    'guarded', 'groups', 'count_customers', is_small_group('count_customers'),
    totals=[['opened_month']], key=['request_type', 'channel']
) }},

told as (

    select
        requests.opened_month,
        case when guarded.is_hidden then 'other' else requests.request_type end as request_type,
        case when guarded.is_hidden then 'other' else requests.channel end as channel,
        requests.requester,
        requests.resolved_at,
        requests.response_minutes_business,
        requests.response_minutes_clock,
        requests.resolution_minutes_business,
        requests.resolution_minutes_clock,
        requests.is_reopened,
        requests.is_closed_loop,
        answers.csat_score
    from requests
    inner join guarded
        on
            requests.opened_month = guarded.opened_month
            and requests.request_type = guarded.request_type
            and requests.channel = guarded.channel
    left join answers on requests.request_id = answers.request_id

),

measured as (

    select
        opened_month,
        request_type,
        channel,
        count(distinct requester) as count_customers,
        count(distinct requester) filter (where csat_score is not null) as count_answering_customers,
        count(*) as count_requests,
        count(*) filter (where resolved_at is null) as count_open_requests,
        count(response_minutes_business) as count_answered_requests,
        percentile_cont(0.5) within group (order by response_minutes_business) as median_response_minutes_business,
        percentile_cont(0.9) within group (order by response_minutes_business) as p90_response_minutes_business,
        percentile_cont(0.5) within group (order by response_minutes_clock) as median_response_minutes_clock,
        percentile_cont(0.5) within group (order by resolution_minutes_business) as median_resolution_minutes_business,
        percentile_cont(0.9) within group (order by resolution_minutes_business) as p90_resolution_minutes_business,
        percentile_cont(0.5) within group (order by resolution_minutes_clock) as median_resolution_minutes_clock,
        avg(case when is_reopened then 1.0 else 0.0 end) as reopened_share,
        avg(case when is_closed_loop then 1.0 when not is_closed_loop then 0.0 end) as closed_loop_share,
        count(csat_score) as count_csat_scores,
        avg(csat_score) as csat_score
    from told
    group by opened_month, request_type, channel

),

judged as (

    select
        *,
        {{ is_small_group('count_customers') }} as is_hidden
    from measured

),

{{ hidden_groups(
    'asked', 'judged', 'count_answering_customers', 'is_hidden or ' ~ is_small_group('count_answering_customers'),
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
