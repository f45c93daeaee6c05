{#- The sum of each kind of entry as a column of its name. -#}
{% macro entry_sums(entries) -%}
    {% for entry in entries -%}
    cast(coalesce(sum(amount) filter (where entry = '{{ entry }}'), 0) as numeric(16, 3)) as {{ entry }}{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}
