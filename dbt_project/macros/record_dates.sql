{#- Days and moments out of text, null where the text is none, for the same reason as in record_values. -#}

{#- The day that a text begins with; what may follow is a time. -#}
{% macro text_date(text) -%}
    case
        when {{ text }} ~ '^\s*\d{4}-\d{2}-\d{2}([T ].*)?$' and pg_input_is_valid(left(trim({{ text }}), 10), 'date')
            then cast(left(trim({{ text }}), 10) as date)
    end
{%- endmacro %}

{#- The number that a text is. -#}
{% macro text_number(text) -%}
    case when {{ text }} ~ '^\s*[+-]?\d{1,12}(\.\d{1,9})?\s*$' then cast(trim({{ text }}) as numeric) end
{%- endmacro %}

{#- The day that a field names. -#}
{% macro record_date(field) -%} {{ text_date(record_text(field)) }} {%- endmacro %}

{#- The point in time that a field counts in milliseconds since 1970. -#}
{% macro record_epoch(field) -%}
    case
        when {{ record_text(field) }} ~ '^\d{10,14}$'
            then cast('1970-01-01 00:00:00+00' as timestamptz) + cast({{ record_text(field) }} as bigint) * interval '1 millisecond'
    end
{%- endmacro %}
