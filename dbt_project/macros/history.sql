{#- The fields of a customer whose changes are kept: those of the golden record, the company, and whether the customer bought. -#}
{% macro kept_fields() -%} {{ return(['has_purchased'] + golden_fields() | list + ['company_id']) }} {%- endmacro %}

{#- The kept fields as columns. -#}
{% macro kept_field_columns() -%} {{ kept_fields() | join(', ') }} {%- endmacro %}

{#- The names of the kept fields that the customer's period before had otherwise, with commas. Masks may hide a change; what is sealed does not. -#}
{% macro changed_fields() -%}
    {%- set in_time = '(partition by customer_id order by valid_from)' -%}
    concat_ws(', '{% for field in kept_fields() %},
        case
            when
                {{ field }} is distinct from lag({{ field }}) over {{ in_time }}
                or sealed -> '{{ field }}' is distinct from lag(sealed -> '{{ field }}') over {{ in_time }}
                then '{{ field }}'
        end{% endfor %})
{%- endmacro %}

{#- When a period ended as known on the night: what later nights ended had not ended then. -#}
{% macro ended_on(column) -%} case when {{ column }} <= {{ as_of_date() }} then {{ column }} end {%- endmacro %}
