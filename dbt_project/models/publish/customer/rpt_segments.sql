-- Grain: one row per segment on the night; segments of few customers are told together, as other.
with

scores as (

    select
        coalesce(segment, 'none') as segment,
        customer_value,
        churn_probability
    from {{ ref('fct_customer_scores') }}

),

groups as (

    select
        segment,
        count(*) as count_customers
    from scores
    group by segment

),

{{ hidden_groups(
    'guarded', 'groups', 'count_customers', is_small_group('count_customers'), totals=[[]], key=['segment']
) }},

told as (

    select
        case when guarded.is_hidden then 'other' else scores.segment end as segment,
        count(*) as count_customers,
        sum(scores.customer_value) as customer_value,
        -- Sums of binary fractions depend on the order of rows; decimals do not.
        avg(cast(scores.churn_probability as numeric)) as churn_probability
    from scores
    inner join guarded on scores.segment = guarded.segment
    group by case when guarded.is_hidden then 'other' else scores.segment end

),

judged as (

    select
        *,
        {{ is_small_group('count_customers') }} as is_suppressed
    from told

)

select
    segment,
    cast({{ shown('count_customers', 'is_suppressed') }} as integer) as count_customers,
    cast({{ shown('customer_value', 'is_suppressed') }} as numeric(16, 2)) as customer_value,
    cast({{ shown('churn_probability', 'is_suppressed') }} as double precision) as churn_probability,
    {{ as_of_date() }} as as_of_date,
    is_suppressed
from judged
