-- Grain: one row per country of customers and calendar day, as the customers stood at the day's end.
-- Counts are additive over countries, not over days; only count_new is additive over both.
{{ config(indexes=[{'columns': ['date_day']}]) }}
with

days as (

    select date_day from {{ ref('dim_dates') }}
    where date_day <= {{ as_of_date() }}

),

calendar as (

    select min(date_day) as first_day from days

),

customers as (

    select
        customer_id,
        coalesce(country, 'unknown') as country
    from {{ ref('dim_customers') }}

),

stages as (

    select
        customer_id,
        stage,
        valid_from,
        valid_to,
        stage in ('new', 'active', 'returned') as is_active
    from {{ ref('fct_customer_lifecycle') }}

),

lives as (

    -- Whoever orders on a second day is active or has returned from that day on.
    select
        customer_id,
        {{ days_of('valid_from', 'valid_to') }} as known_days,
        {{ days_of('valid_from', 'valid_to') }} filter (where stage <> 'prospect') as purchasing_days,
        {{ days_of('valid_from', 'null') }} filter (where stage in ('active', 'returned')) as repeating_days,
        {{ days_of('valid_from', 'valid_from + 1') }} filter (where stage = 'new') as new_days,
        {{ days_of('valid_from', 'valid_to') }} filter (where is_active) as active_days,
        {{ days_of('valid_from + ' ~ var('active_days'), 'valid_to + ' ~ var('active_days')) }}
        filter (where is_active) as active_before_days
    from stages
    group by customer_id

),

consents as (

    select
        customer_id,
        {{ days_of(reporting_date('valid_from'), reporting_date('valid_to')) }} as consented_days
    from {{ ref('fct_consents') }}
    where
        status = 'given'
        and customer_id is not null
    group by customer_id

),

spans as (

    select
        customers.country,
        lives.*,
        lives.active_days * lives.active_before_days as retained_days,
        consents.consented_days
    from customers
    inner join lives on customers.customer_id = lives.customer_id
    left join consents on customers.customer_id = consents.customer_id

),

stretches as (

    {{ counted_stretches('spans') }}

),

changes as (

    select
        country,
        counted,
        lower(stretch) as changed_on,
        1 as step
    from stretches
    union all
    select
        country,
        counted,
        upper(stretch) as changed_on,
        -1 as step
    from stretches
    where upper(stretch) is not null

),

steps as (

    -- What happened before the calendar begins is part of its first day.
    select
        changes.country,
        greatest(changes.changed_on, calendar.first_day) as date_day,
        {{ steps_beside() }}
    from changes
    cross join calendar
    where changes.changed_on <= {{ as_of_date() }}
    group by changes.country, greatest(changes.changed_on, calendar.first_day)

),

countries as (

    select distinct country from customers

)

select
    countries.country,
    days.date_day,
    {{ running_counts('up_to_day') }}
from countries
cross join days
left join steps
    on
        countries.country = steps.country
        and days.date_day = steps.date_day
window up_to_day as (partition by countries.country order by days.date_day)
