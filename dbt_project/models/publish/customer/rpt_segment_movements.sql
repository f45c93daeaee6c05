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

)

select
    from_segment,
    to_segment,
    from_segment <> to_segment as is_movement,
    cast(count(*) as integer) as count_customers,
    cast(sum(customer_value) as numeric(16, 2)) as customer_value,
    cast(sum(customer_value_change) as numeric(16, 2)) as customer_value_change,
    -- Sums of binary fractions depend on the order of rows; decimals do not.
    cast(avg(cast(churn_probability as numeric)) as double precision) as churn_probability,
    {{ as_of_date() }} - {{ var('comparison_days') }} as comparison_date,
    {{ as_of_date() }} as as_of_date
from scores
group by from_segment, to_segment
