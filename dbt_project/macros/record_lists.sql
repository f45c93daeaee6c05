{#- Lists of a CRM in a record; null where the record has something else in their place. -#}

{#- The list that a field holds, as JSON. -#}
{% macro record_list(field) -%}
    case when jsonb_typeof(record -> '{{ field }}') = 'array' then record -> '{{ field }}' end
{%- endmacro %}

{#- The first text of the list that a field holds, or the text itself. -#}
{% macro record_first(field) -%}
    nullif(trim(case when jsonb_typeof(record -> '{{ field }}') = 'array' then record -> '{{ field }}' ->> 0
        else record ->> '{{ field }}' end), '')
{%- endmacro %}
