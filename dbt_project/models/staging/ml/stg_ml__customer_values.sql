-- Grain: one row per customer scored on the night.
select
    customer_id,
    as_of_date,
    horizon_days,
    expected_purchases,
    probability_alive,
    expected_order_value,
    customer_value,
    previous_customer_value,
    value_method,
    model_version,
    scored_at
from {{ source('ml', 'customer_values') }}
where as_of_date = {{ as_of_date() }}
