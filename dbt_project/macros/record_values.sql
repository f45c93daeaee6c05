{#- Values out of a record's text, null where the text is none: what a source writes may be anything, and one bad value must
    not stop a night. Words that PostgreSQL takes for a time (now, infinity) are none. -#}

{#- The point in time that a field names; taken as UTC where it has no offset. -#}
{% macro record_time(field, inside=none) -%}
    {%- set text = record_text(field, inside) -%}
    case
        when
            {{ text }} ~ '^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)$'
            and pg_input_is_valid({{ text }}, 'timestamptz')
            then cast({{ text }} as timestamptz)
        when
            {{ text }} ~ '^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?$'
            and pg_input_is_valid({{ text }} || 'Z', 'timestamptz')
            then cast({{ text }} || 'Z' as timestamptz)
    end
{%- endmacro %}

{#- The number that a field holds. -#}
{% macro record_number(field, inside=none) -%} {{ text_number(record_text(field, inside)) }} {%- endmacro %}

{#- The whole number that a field holds, also written with zeros behind the point. -#}
{% macro record_whole_number(field, inside=none) -%}
    {%- set text = record_text(field, inside) -%}
    case when {{ text }} ~ '^[+-]?\d{1,9}(\.0{1,9})?$' then cast(cast({{ text }} as numeric) as integer) end
{%- endmacro %}

{#- The two letters of a language (ISO 639-1) that a field begins with, in lower case. -#}
{% macro record_language(field) -%}
    lower(substring({{ record_text(field) }} from '^([A-Za-z]{2})(?:[-_].*)?$'))
{%- endmacro %}
