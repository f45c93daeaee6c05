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

)

select
    requests.opened_month,
    requests.request_type,
    coalesce(requests.channel, 'other') as channel,
    cast(count(*) as integer) as count_requests,
    cast(count(*) filter (where requests.resolved_at is null) as integer) as count_open_requests,
    cast(count(requests.response_minutes_business) as integer) as count_answered_requests,
    percentile_cont(0.5) within group (order by requests.response_minutes_business) as median_response_minutes_business,
    percentile_cont(0.9) within group (order by requests.response_minutes_business) as p90_response_minutes_business,
    percentile_cont(0.5) within group (order by requests.response_minutes_clock) as median_response_minutes_clock,
    percentile_cont(0.5) within group (order by requests.resolution_minutes_business) as median_resolution_minutes_business,
    percentile_cont(0.9) within group (order by requests.resolution_minutes_business) as p90_resolution_minutes_business,
    percentile_cont(0.5) within group (order by requests.resolution_minutes_clock) as median_resolution_minutes_clock,
    cast(avg(case when requests.is_reopened then 1.0 else 0.0 end) as numeric(6, 5)) as reopened_share,
    cast(avg(case when requests.is_closed_loop then 1.0 when not requests.is_closed_loop then 0.0 end) as numeric(6, 5))
        as closed_loop_share,
    cast(count(answers.csat_score) as integer) as count_csat_scores,
    cast(avg(answers.csat_score) as numeric(4, 2)) as csat_score
from requests
left join answers on requests.request_id = answers.request_id
group by requests.opened_month, requests.request_type, coalesce(requests.channel, 'other')
