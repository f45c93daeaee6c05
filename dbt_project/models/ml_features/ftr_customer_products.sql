-- Grain: one row per customer and product that the customer bought and kept, with what recommendations of the night ask.
{{ config(materialized='view') }}
select
    customer_id,
    product_id,
    last_bought_date,
    count_orders,
    cast({{ var('recommendation_count') }} as integer) as recommendation_count,
    cast({{ var('recommendation_recent_days') }} as integer) as recommendation_recent_days,
    {{ as_of_date() }} as as_of_date,
    {{ as_of_end() }} as scored_at
from {{ ref('ftr_customer_purchases') }}
