-- Grain: one row per customer and product that the customer bought and kept, as known on the night.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'customer_id, product_id',
        'scope': {
            'column': 'customer_id',
            'entities': ['orders.customer', 'lines.order'],
            'reached': 'customers_of_changed_orders'
        }
    }}
) }}
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
        and {{ in_scope('customer_id') }}

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
    cast(count(distinct lines.order_id) as integer) as count_orders
from {{ ref('fct_order_lines') }} as lines
inner join orders on lines.order_id = orders.order_id
inner join products on lines.product_id = products.product_id
where
    lines.line_type = 'sale'
    and lines.quantity > 0
group by orders.customer_id, lines.product_id
