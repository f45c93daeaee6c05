-- Grain: one row per customer scored on the night.
select
    customer_id,
    as_of_date,
    horizon_days,
    expected_purchases,
    purchases_lower,
    purchases_upper,
    probability_alive,
    expected_order_value,
    customer_value,
    customer_value_lower,
    customer_value_upper,
    interval_share,
    previous_customer_value,
    value_method,
    model_version,
    scored_at
from {{ source('ml', 'customer_values') }}
where as_of_date = {{ as_of_date() }}
