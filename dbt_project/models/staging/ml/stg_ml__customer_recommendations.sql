-- Grain: one row per customer and rank of a product recommended on the night.
select
    customer_id,
    rank,
    product_id,
    score,
    bought_with_product_id,
    count_bought_together,
    method,
    as_of_date,
    model_version,
    scored_at
from {{ source('ml', 'customer_recommendations') }}
where as_of_date = {{ as_of_date() }}
