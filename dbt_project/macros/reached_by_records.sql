{#- Keys that a changed record reaches beyond its own (scope.reached of kept models). -#}

{#- The customers whose records say something else: the record may belong to whom it belonged to. -#}
{% macro customers_of_changed_records(first_day, last_day, consumed) -%}
    select customer_id as key
    from {{ ref('int_customer_records__owned') }}
    where record_key in {{ told_keys(['identity.record'], consumed) }}
{%- endmacro %}

{#- Customers whose orders' lines changed, of which dim_customers asks more than orders tell; and those who were not known yet on
    the last day of the night before, or are not on the last day of this one: a night calls itself their first day then. -#}
{% macro customers_otherwise_known(first_day, last_day, consumed) -%}
    select customer_id as key
    from {{ ref('fct_orders') }}
    where order_id in {{ told_keys(['classified.invoice'], consumed) }}
    union all
    select customer_id as key
    from {{ kept_relation() }}
    where
        run_to is null
        and first_known_date >= {{ first_day }} - 1
{%- endmacro %}
