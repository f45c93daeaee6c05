-- Grain: one row per day that the calendar of the service desk knows, with the seconds of service before it.
{{ config(indexes=[{'columns': ['date_day'], 'unique': true}]) }}
with

holidays as (

    select * from {{ ref('public_holidays') }}
    where country_code = '{{ var("service_country") }}'

),

bounds as (

    select
        date_trunc('year', cast(min(date) as timestamp)) as first_day,
        date_trunc('year', cast(max(date) as timestamp)) + interval '1 year' - interval '1 day' as last_day
    from holidays

),

days as (

    select cast(generate_series(first_day, last_day, interval '1 day') as date) as date_day
    from bounds

),

working_days as (

    select
        days.date_day,
        coalesce(holidays.is_working_day, extract(isodow from days.date_day) < 6) as is_working_day
    from days
    left join holidays on days.date_day = holidays.date

),

opened as (

    -- The desk's wall clock decides, so that its hours stay its hours when the clocks change.
    select
        date_day,
        is_working_day,
        case
            when is_working_day
                then (date_day + cast('{{ var("service_opens") }}' as time)) at time zone '{{ var("service_time_zone") }}'
        end as opens_at,
        case
            when is_working_day
                then (date_day + cast('{{ var("service_closes") }}' as time)) at time zone '{{ var("service_time_zone") }}'
        end as closes_at
    from working_days

)

select
    date_day,
    is_working_day,
    opens_at,
    closes_at,
    coalesce(
        sum(extract(epoch from closes_at - opens_at)) over (order by date_day rows between unbounded preceding and 1 preceding),
        0
    ) as seconds_before
from opened
