{#- Keys that a changed record reaches beyond its own (scope.reached of kept models). -#}

{#- The customers whose records say something else, as written or as it compares: the record may belong to whom it belonged to. -#}
{% macro customers_of_changed_records(first_day, last_day, consumed) -%}
    select customer_id as key
    from {{ ref('int_customer_records__owned') }}
    where record_key in {{ reached_keys(['identity.record', 'normal.record'], consumed) }}
{%- endmacro %}
