{#- Customers whose stage begins, ends or is not yet known on a day from first_day to last_day (see kept_reached). -#}
{% macro stages_ended(first_day, last_day, consumed) -%}
    select customer_id as key
    from {{ ref('fct_orders') }}
    where
        order_date between {{ first_day }} and {{ last_day }}
        or order_date + {{ var('active_days') }} between {{ first_day }} and {{ last_day }}
        or order_date + {{ var('lapsed_days') }} between {{ first_day }} and {{ last_day }}
    union all
    select customer_id as key
    from {{ ref('dim_customers') }}
    where first_known_date between {{ first_day }} and {{ last_day }}
{%- endmacro %}
