{#- Keys that a changed order reaches beyond its own (scope.reached of kept models). -#}

{#- The credit notes that cancel a line of a changed order: when it was sold is told with what took it back. -#}
{% macro credit_notes_of_changed_orders(first_day, last_day, consumed) -%}
    select order_id as key
    from {{ ref('fct_order_lines') }}
    where
        line_type = 'cancellation'
        and cancelled_order_id in {{ told_keys(['lines.order'], consumed) }}
{%- endmacro %}

{#- The customers of orders whose lines changed: the order may be as it was. -#}
{% macro customers_of_changed_orders(first_day, last_day, consumed) -%}
    select customer_id as key
    from {{ ref('fct_orders') }}
    where order_id in {{ told_keys(['lines.order'], consumed) }}
{%- endmacro %}
