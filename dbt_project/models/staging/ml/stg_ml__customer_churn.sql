-- Grain: one row per customer scored on the night.
select
    customer_id,
    as_of_date,
    horizon_days,
    churn_probability,
    previous_churn_probability,
    churn_method,
    reason_1_code,
    reason_1,
    reason_2_code,
    reason_2,
    reason_3_code,
    reason_3,
    model_version,
    scored_at
from {{ source('ml', 'customer_churn') }}
where as_of_date = {{ as_of_date() }}
