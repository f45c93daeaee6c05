{#- The sum of each kind of entry as a column of its name; `kind` tells the kind of the amount. -#}
{% macro entry_sums(entries, amount='amount', kind='entry') -%}
    {% for entry in entries -%}
    cast(coalesce(sum({{ amount }}) filter (where {{ kind }} = '{{ entry }}'), 0) as numeric(16, 3)) as {{ entry }}
    {{- "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- These columns summed up once more. -#}
{% macro column_sums(entries) -%}
    {% for entry in entries -%}
    cast(sum({{ entry }}) as numeric(16, 3)) as {{ entry }}{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- These columns, or zeros by their names. -#}
{% macro entry_columns(entries, are_there=true) -%}
    {% for entry in entries -%}
    {{ entry if are_there else "0 as " ~ entry }}{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- Invoices with lines of products whose cost changed (see kept_reached). -#}
{% macro invoices_of_costed_products(first_day, last_day, consumed) -%}
    select invoice_number as key
    from {{ ref('int_order_lines__classified') }}
    where product_id in {{ reached_keys(['costs.product'], consumed) }}
{%- endmacro %}
