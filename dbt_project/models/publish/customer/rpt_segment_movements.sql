-- Grain: one row per segment on the comparison date and segment on the night that customers moved between or stayed in.
with

scores as (

    select
        coalesce(previous_segment, 'none') as from_segment,
        coalesce(segment, 'none') as to_segment,
        customer_value,
        customer_value_change,
        churn_probability
    from {{ ref('fct_customer_scores') }}

),

groups as (

    select
        from_segment,
        to_segment,
        count(*) as count_customers,
        sum(customer_value) as customer_value,
        sum(customer_value_change) as customer_value_change,
        -- Sums of binary fractions depend on the order of rows; decimals do not.
        avg(cast(churn_probability as numeric)) as churn_probability
    from scores
    group by from_segment, to_segment

),

{{ hidden_groups(
    'guarded', 'groups', 'count_customers', is_small_group('count_customers'),
    totals=[['to_segment'], ['from_segment']], key=['from_segment', 'to_segment']
) }}

select
    from_segment,
    to_segment,
    from_segment <> to_segment as is_movement,
    cast({{ shown('count_customers', 'is_hidden') }} as integer) as count_customers,
    cast({{ shown('customer_value', 'is_hidden') }} as numeric(16, 2)) as customer_value,
    cast({{ shown('customer_value_change', 'is_hidden') }} as numeric(16, 2)) as customer_value_change,
    cast({{ shown('churn_probability', 'is_hidden') }} as double precision) as churn_probability,
    {{ as_of_date() }} - {{ var('comparison_days') }} as comparison_date,
    {{ as_of_date() }} as as_of_date,
    is_hidden as is_suppressed
from guarded
