{#- The fields of the golden record, each with the group that the seed survivorship ranks its sources by. -#}
{% macro golden_fields() -%}
    {{ return({
        'full_name': 'identity', 'birth_date': 'identity', 'mail': 'contact', 'phone': 'contact', 'street': 'contact',
        'postcode': 'contact', 'city': 'contact', 'country': 'contact', 'title': 'work'
    }) }}
{%- endmacro %}

{#- One row per field that a record of `relation` tells, as the body of a CTE. -#}
{% macro told_fields(relation) -%}
    {% for field, field_group in golden_fields().items() -%}
    select
        customer_id,
        record_key,
        source,
        entity,
        known_at,
        '{{ field }}' as field,
        '{{ field_group }}' as field_group,
        {{ field }} as field_value
    from {{ relation }}
    where {{ field }} is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- The fields of a customer beside each other, each with its source. -#}
{% macro fields_beside() -%}
    {% for field in golden_fields() -%}
    max(field_value) filter (where field = '{{ field }}') as {{ field }},
    max(field_source) filter (where field = '{{ field }}') as {{ field }}_source{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- The share of the golden record's fields that are known. -#}
{% macro completeness_share() -%}
    cast(num_nonnulls({{ golden_fields() | join(', ') }}) / {{ golden_fields() | length }}.0 as numeric(4, 3))
{%- endmacro %}

{#- The names of those columns that are null, with commas. -#}
{% macro names_of_nulls(fields) -%}
    concat_ws(', '{% for field in fields %}, case when {{ field }} is null then '{{ field }}' end{% endfor %})
{%- endmacro %}
