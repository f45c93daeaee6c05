-- Grain: one row per calendar day, from the year of the first order to the end of the night's year.
with

bounds as (

    select
        date_trunc('year', coalesce(min(invoice_date), {{ as_of_date() }})) as first_day,
        date_trunc('year', {{ as_of_date() }}) + interval '1 year' - interval '1 day' as last_day
    from {{ ref('int_order_lines__classified') }}

),

days as (

    select cast(generate_series(first_day, last_day, interval '1 day') as date) as date_day
    from bounds

)

select
    date_day,
    cast(extract(year from date_day) as integer) as calendar_year,
    cast(extract(quarter from date_day) as integer) as calendar_quarter,
    cast(extract(month from date_day) as integer) as calendar_month,
    cast(extract(isoyear from date_day) as integer) as iso_year,
    cast(extract(week from date_day) as integer) as iso_week,
    cast(extract(isodow from date_day) as integer) as iso_weekday,
    extract(isodow from date_day) >= 6 as is_weekend
from days
