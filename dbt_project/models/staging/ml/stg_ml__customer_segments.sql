-- Grain: one row per customer scored on the night.
select
    customer_id,
    as_of_date,
    recency_score,
    frequency_score,
    monetary_score,
    segment,
    previous_segment,
    model_version,
    scored_at
from {{ source('ml', 'customer_segments') }}
where as_of_date = {{ as_of_date() }}
