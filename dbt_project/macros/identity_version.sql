{#- Versions of one kind of record in the shape that identity compares, as one part of a union. `record_id` and the values
    of `columns` are SQL over `relation`; what is not given is null, of lists and keys empty. -#}
{% macro identity_version(kind, source_name, entity, relation, record_id, columns) -%}
    {%- set texts = [
        'name_raw', 'country', 'birth_raw', 'street_raw', 'city_raw', 'postcode_raw', 'company_raw', 'company_key',
        'registration_raw', 'website', 'device', 'title'
    ] -%}
    select
        '{{ kind }}' as kind,
        '{{ source_name }}' as source,
        '{{ entity }}' as entity,
        {{ record_id }} as record_id,
        {% for name in texts -%}
        {{ columns.get(name, 'cast(null as text)') }} as {{ name }},
        {% endfor -%}
        {% for name in ('mails_raw', 'phones_raw', 'keys') -%}
        {{ text_list(columns.get(name, [])) }} as {{ name }},
        {% endfor -%}
        {{ columns.get('known_at', 'changed_at') }} as known_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from {{ relation }}
{%- endmacro %}

{#- A list of SQL texts as an array without nulls; what is an array already stays it. -#}
{% macro text_list(values) -%}
    {%- if values is string -%} {{ values }}
    {%- elif values -%} array_remove(array[{{ values | join(', ') }}], null)
    {%- else -%} cast('{}' as text[])
    {%- endif -%}
{%- endmacro %}

{#- The id in a record's key, '<source>.<entity>:<id>'; null if it is another entity's. Keys are many: no expression is matched. -#}
{% macro record_id_of(entity, column) -%}
    case when starts_with({{ column }}, '{{ entity }}:') then substr({{ column }}, {{ entity | length + 2 }}) end
{%- endmacro %}

{#- A strong key: what only one customer can have. -#}
{% macro strong_key(type, column) -%} '{{ type }}:' || {{ column }} {%- endmacro %}

{#- The strong key of an order; a credit note has its invoice's number or one of its own after the C. -#}
{% macro order_key(column) -%} 'shop.order:' || regexp_replace({{ column }}, '^C', '') {%- endmacro %}

{#- The strong key of a public handle, however it is written. -#}
{% macro handle_key(column) -%} 'social.handle:' || {{ plain_handle(column) }} {%- endmacro %}

{#- A handle without its @, in lower case. -#}
{% macro plain_handle(column) -%} lower(ltrim({{ column }}, '@')) {%- endmacro %}

{#- The host of a web address, in lower case, without www. -#}
{% macro web_domain(column) -%}
    nullif(regexp_replace(lower({{ column }}), '^\s*([a-z]+://)?([^/@]*@)?(www\.)?([^/:?#]*).*$', '\4'), '')
{%- endmacro %}
