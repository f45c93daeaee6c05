-- Grain: one row per customer whose record should be asked for or confirmed, those who are worth most first.
{{ config(indexes=[{'columns': ['priority']}]) }}
with

customers as (

    select * from {{ ref('dim_customers') }}

),

scores as (

    select * from {{ ref('fct_customer_scores') }}

),

judged as (

    select
        customers.customer_id,
        {{ names_of_nulls(['full_name', 'mail', 'phone', 'birth_date', 'postcode']) }} as missing_fields,
        coalesce(customers.staleness_days, {{ var('refresh_after_days') }} + 1) > {{ var('refresh_after_days') }} as is_stale,
        customers.completeness_share,
        customers.staleness_days,
        customers.has_purchased,
        scores.customer_value
    from customers
    left join scores on customers.customer_id = scores.customer_id

)

select
    customer_id,
    cast(
        row_number() over (order by customer_value desc nulls last, completeness_share asc, customer_id asc) as integer
    ) as priority,
    nullif(missing_fields, '') as missing_fields,
    is_stale,
    completeness_share,
    staleness_days,
    customer_value,
    {{ as_of_date() }} as as_of_date
from judged
where
    has_purchased
    and (missing_fields <> '' or is_stale)
