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

),

holidays as (

    select
        date as date_day,
        {% for country in ['gb', 'cn', 'de', 'fr', 'us'] %}
            bool_or(is_working_day) filter (where country_code = '{{ country | upper }}') as is_working_day_{{ country }},
            max(name) filter (where country_code = '{{ country | upper }}' and not is_working_day) as holiday_name_{{ country }},
        {% endfor %}
        count(*) as count_countries
    from {{ ref('public_holidays') }}
    group by 1

),

known_years as (

    select
        extract(year from min(date_day)) as first_year,
        extract(year from max(date_day)) as last_year
    from holidays

)

select
    days.date_day,
    cast(extract(year from days.date_day) as integer) as calendar_year,
    cast(extract(quarter from days.date_day) as integer) as calendar_quarter,
    cast(extract(month from days.date_day) as integer) as calendar_month,
    cast(extract(isoyear from days.date_day) as integer) as iso_year,
    cast(extract(week from days.date_day) as integer) as iso_week,
    cast(extract(isodow from days.date_day) as integer) as iso_weekday,
    {% for country in ['gb', 'cn', 'de', 'fr', 'us'] %}
        case
            when extract(year from days.date_day) between known_years.first_year and known_years.last_year
                then coalesce(holidays.is_working_day_{{ country }}, extract(isodow from days.date_day) < 6)
        end as is_working_day_{{ country }},
        holidays.holiday_name_{{ country }},
    {% endfor %}
    extract(isodow from days.date_day) >= 6 as is_weekend
from days
cross join known_years
left join holidays on days.date_day = holidays.date_day
