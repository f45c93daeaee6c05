{#- What fct_customer_days counts: the columns of its CTE `spans`, each the days that count for a customer. -#}
{% macro customer_counts() -%}
    {{ return(['known', 'purchasing', 'repeating', 'new', 'active', 'active_before', 'retained', 'consented']) }}
{%- endmacro %}

{#- The days of a group of periods as one set without overlaps; an end that is null is open. PostgreSQL's multiranges. -#}
{% macro days_of(begins_on, ends_on) -%} range_agg(daterange({{ begins_on }}, {{ ends_on }})) {%- endmacro %}

{#- One row per uninterrupted stretch of days that count for a customer, as the body of a CTE. -#}
{% macro counted_stretches(relation) -%}
    {% for name in customer_counts() -%}
    select
        country,
        '{{ name }}' as counted,
        unnest({{ name }}_days) as stretch
    from {{ relation }}
    {{ "union all" if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- The steps of each count beside each other, as columns. -#}
{% macro steps_beside() -%}
    {% for name in customer_counts() -%}
    sum(step) filter (where counted = '{{ name }}') as {{ name }}{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- Each count: all steps up to the day. -#}
{% macro running_counts(window_name) -%}
    {% for name in customer_counts() -%}
    cast(coalesce(sum({{ name }}) over {{ window_name }}, 0) as integer) as count_{{ name }}{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}
