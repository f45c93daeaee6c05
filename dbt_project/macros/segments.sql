{#- The changes of each measure of the seed customer_segments, as the body of a CTE: an order counts from its day on for
    segment_window_days, so that its day adds what the day after the window takes away. -#}
{% macro measure_changes(orders) -%}
    {%- set counted = {
        'net_amount': 'amount',
        'count_order_days': 'case when is_order_day then 1 end',
        'first_year': 'case when is_first_day then 1 end'
    } -%}
    {%- for measure, value in counted.items() -%}
    {%- for delay, sign in [(0, ''), (var('segment_window_days'), '-')] %}
    select
        customer_id,
        order_date + {{ delay }} as changed_on,
        '{{ measure }}' as measure,
        {{ sign }}({{ value }}) as change
    from {{ orders }}
    where ({{ value }}) is not null
    {{ "union all" if not loop.last }}
    {%- endfor %}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Customers with an order that begins to count, or ceases to, on a day from first_day to last_day (see kept_reached). -#}
{% macro measures_moved(first_day, last_day, consumed) -%}
    select customer_id as key
    from {{ ref('fct_orders') }}
    where
        order_date between {{ first_day }} and {{ last_day }}
        or order_date + {{ var('segment_window_days') }} between {{ first_day }} and {{ last_day }}
{%- endmacro %}
