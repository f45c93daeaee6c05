{#- Keys that a changed order reaches beyond its own (scope.reached of kept models). -#}

{#- The credit notes that cancel a line of a changed order: when it was sold is told with what took it back. -#}
{% macro credit_notes_of_changed_orders(first_day, last_day, consumed) -%}
    select order_id as key
    from {{ ref('fct_order_lines') }}
    where
        line_type = 'cancellation'
        and cancelled_order_id in {{ reached_keys(['lines.order'], consumed) }}
{%- endmacro %}

{#- The customers of orders whose lines changed: the order may be as it was. -#}
{% macro customers_of_changed_orders(first_day, last_day, consumed) -%}
    select customer_id as key
    from {{ ref('fct_orders') }}
    where order_id in {{ reached_keys(['lines.order'], consumed) }}
{%- endmacro %}

{#- Customers of whom dim_customers would say something else although no key of theirs was told. -#}
{% macro customers_of_lines_and_first_days(first_day, last_day, consumed) -%}
    -- Where an order went stands on its lines alone.
    select customer_id as key
    from {{ ref('fct_orders') }}
    where order_id in {{ reached_keys(['classified.invoice'], consumed) }}
    union all
    -- Of whom nothing was known by the end of a night, that night calls itself the first day.
    select customer_id as key
    from {{ kept_relation() }}
    where
        run_to is null
        and first_known_date >= {{ first_day }} - 1
{%- endmacro %}
