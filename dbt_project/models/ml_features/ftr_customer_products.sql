-- Grain: one row per customer and product that the customer bought and kept, as known on the night.
with

orders as (

    select
        order_id,
        customer_id
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and not is_cancelled
        and customer_id is not null

),

products as (

    select product_id
    from {{ ref('dim_products') }}
    where is_merchandise

)

select
    orders.customer_id,
    lines.product_id,
    max(lines.order_date) as last_bought_date,
    cast(count(distinct lines.order_id) as integer) as count_orders,
    cast({{ var('recommendation_count') }} as integer) as recommendation_count,
    cast({{ var('recommendation_recent_days') }} as integer) as recommendation_recent_days,
    {{ as_of_date() }} as as_of_date,
    {{ as_of_end() }} as scored_at
from {{ ref('fct_order_lines') }} as lines
inner join orders on lines.order_id = orders.order_id
inner join products on lines.product_id = products.product_id
where
    lines.line_type = 'sale'
    and lines.quantity > 0
group by orders.customer_id, lines.product_id
