{#- Whom the id in a column stands for, as known on the night (identity.heirs): customer_id, count_records. -#}
{% macro heirs_of(column) -%}
    identity.heirs({{ column }}, {{ as_of_date() }})
{%- endmacro %}
