{#- Quantity times price of raw text, null where one of them is no number. -#}
{% macro amount_if_valid(quantity, unit_price) -%}
    case
        when {{ quantity }} ~ '^\s*-?\d{1,9}\s*$' and {{ unit_price }} ~ '^\s*-?\d{1,9}(\.\d+)?\s*$'
            then cast({{ quantity }} as integer) * cast({{ unit_price }} as numeric)
    end
{%- endmacro %}
