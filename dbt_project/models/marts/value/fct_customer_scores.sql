-- Grain: one row per customer with at least one kept purchase, scored on the night.
with

segments as (

    select * from {{ ref('stg_ml__customer_segments') }}

),

customer_values as (

    select * from {{ ref('stg_ml__customer_values') }}

),

churn as (

    select * from {{ ref('stg_ml__customer_churn') }}

)

select
    segments.customer_id,
    segments.as_of_date,
    segments.recency_score,
    segments.frequency_score,
    segments.monetary_score,
    segments.segment,
    segments.previous_segment,
    customer_values.horizon_days as value_horizon_days,
    customer_values.expected_purchases,
    customer_values.probability_alive,
    customer_values.expected_order_value,
    cast(customer_values.customer_value as numeric(16, 2)) as customer_value,
    cast(customer_values.previous_customer_value as numeric(16, 2)) as previous_customer_value,
    cast(
        cast(customer_values.customer_value as numeric(16, 2))
        - cast(customer_values.previous_customer_value as numeric(16, 2)) as numeric(16, 2)
    ) as customer_value_change,
    customer_values.value_method,
    customer_values.purchases_lower,
    customer_values.purchases_upper,
    cast(customer_values.customer_value_lower as numeric(16, 2)) as customer_value_lower,
    cast(customer_values.customer_value_upper as numeric(16, 2)) as customer_value_upper,
    customer_values.interval_share as value_interval_share,
    churn.horizon_days as churn_horizon_days,
    churn.churn_probability,
    churn.previous_churn_probability,
    churn.churn_method,
    churn.reason_1_code as churn_reason_1_code,
    churn.reason_1 as churn_reason_1,
    churn.reason_2_code as churn_reason_2_code,
    churn.reason_2 as churn_reason_2,
    churn.reason_3_code as churn_reason_3_code,
    churn.reason_3 as churn_reason_3,
    segments.model_version as segment_model_version,
    customer_values.model_version as value_model_version,
    churn.model_version as churn_model_version,
    segments.scored_at
from segments
inner join customer_values on segments.customer_id = customer_values.customer_id
inner join churn on segments.customer_id = churn.customer_id
