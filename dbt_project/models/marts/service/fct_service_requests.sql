-- Grain: one row per request for service: a ticket, chat or complaint of the desk, or a case of a CRM.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['customer_id']}, {'columns': ['opened_date']}],
    meta={'kept': {
        'key': 'request_id',
        'tells': {'contacts.customer': ['customer_id']},
        'is_published': true
    }}
) }}
with

requests as (

    select * from {{ ref('int_service_requests__unioned') }}
    where exclusion_reason is null

),

statuses as (

    select
        *,
        {{ is_final_status('status') }} and not {{ is_final_status('previous_status') }} as is_end,
        {{ is_final_status('previous_status') }} and status in ('open', 'answered', 'waiting') as is_reopening
    from {{ ref('int_service_request_statuses__collapsed') }}

),

histories as (

    select
        request_id,
        (array_agg(status order by period desc))[1] as status,
        (array_agg(source_status order by period desc))[1] as source_status,
        min(entered_at) filter (where status = 'answered') as first_answered_at,
        max(entered_at) filter (where is_end) as last_ended_at,
        bool_or(is_reopening) as is_reopened,
        count(previous_status) as count_status_changes
    from statuses
    group by 1

),

days as (

    select * from {{ ref('int_business_days__accumulated') }}

),

orders as (

    select order_id from {{ ref('fct_orders') }}

),

known as (

    -- What happened after the night has not happened yet, and what is open again is not solved.
    select
        requests.*,
        coalesce(histories.status, 'unknown') as known_status,
        histories.source_status as known_source_status,
        coalesce(histories.is_reopened, false) as is_reopened,
        coalesce(histories.count_status_changes, 0) as count_status_changes,
        coalesce(
            case when requests.first_response_at < {{ as_of_end() }} then requests.first_response_at end,
            histories.first_answered_at
        ) as answered_at,
        case
            when coalesce(histories.status, 'unknown') in ('solved', 'closed', 'unknown')
                then coalesce(
                    case when requests.resolved_at < {{ as_of_end() }} then requests.resolved_at end,
                    histories.last_ended_at
                )
        end as ended_at
    from requests
    left join histories on requests.request_id = histories.request_id

),

follow_ups as (

    select * from {{ ref('int_service_follow_ups__unioned') }}

),

closed_loops as (

    select known.request_id
    from known
    inner join follow_ups on known.customer_id = follow_ups.customer_id
    where
        known.request_type = 'complaint'
        and follow_ups.followed_up_at >= known.ended_at
        and follow_ups.followed_up_at < known.ended_at + interval '{{ var("closed_loop_days") }} days'
    union
    select known.request_id
    from known
    inner join follow_ups on known.record_id = follow_ups.subject_id
    where
        known.request_type = 'complaint'
        and follow_ups.followed_up_at >= known.ended_at

),

timed as (

    select
        known.*,
        extract(epoch from known.answered_at - known.opened_at) as response_seconds,
        extract(epoch from known.ended_at - known.opened_at) as resolution_seconds,
        {{ service_seconds('known.answered_at', 'answered_days') }}
        - {{ service_seconds('known.opened_at', 'opened_days') }} as response_business_seconds,
        {{ service_seconds('known.ended_at', 'ended_days') }}
        - {{ service_seconds('known.opened_at', 'opened_days') }} as resolution_business_seconds,
        {{ span_problem('known.opened_at', 'known.answered_at', 'opened_days', 'answered_days') }} as response_problem,
        {{ span_problem('known.opened_at', 'known.ended_at', 'opened_days', 'ended_days') }} as resolution_problem
    from known
    left join days as opened_days on {{ service_date('known.opened_at') }} = opened_days.date_day
    left join days as answered_days on {{ service_date('known.answered_at') }} = answered_days.date_day
    left join days as ended_days on {{ service_date('known.ended_at') }} = ended_days.date_day

)

select
    timed.request_id,
    timed.source,
    timed.request_type,
    timed.channel,
    timed.priority,
    timed.known_status as status,
    timed.known_source_status as source_status,
    timed.customer_id,
    orders.order_id,
    timed.agent_id,
    timed.opened_at,
    {{ reporting_date('timed.opened_at') }} as opened_date,
    timed.answered_at as first_response_at,
    timed.ended_at as resolved_at,
    case when timed.response_seconds >= 0 then {{ as_minutes('timed.response_seconds') }} end as response_minutes_clock,
    case when timed.resolution_seconds >= 0 then {{ as_minutes('timed.resolution_seconds') }} end as resolution_minutes_clock,
    case when timed.response_problem is null then {{ as_minutes('timed.response_business_seconds') }} end
        as response_minutes_business,
    case when timed.resolution_problem is null then {{ as_minutes('timed.resolution_business_seconds') }} end
        as resolution_minutes_business,
    timed.response_problem,
    timed.resolution_problem,
    cast(timed.count_status_changes as integer) as count_status_changes,
    timed.is_reopened,
    case when timed.request_type = 'complaint' then closed_loops.request_id is not null end as is_closed_loop
from timed
left join orders on timed.order_number = orders.order_id
left join closed_loops on timed.request_id = closed_loops.request_id
