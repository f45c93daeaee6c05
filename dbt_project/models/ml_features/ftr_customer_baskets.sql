-- Grain: one row per customer who ordered: what the kept orders of all time come to, as known on the night.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'customer_id',
        'scope': {
            'column': 'customer_id',
            'entities': ['orders.customer', 'lines.order'],
            'reached': 'customers_of_changed_orders'
        }
    }}
) }}
with

kept_orders as (

    select
        order_id,
        customer_id,
        order_date,
        kept_amount
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and not is_cancelled
        and customer_id is not null
        and {{ in_scope('customer_id') }}

),

orders as (

    select
        customer_id,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        count(*) as count_orders,
        avg(kept_amount) as average_order_amount,
        max(kept_amount) as largest_order_amount,
        count(*) filter (where extract(isodow from order_date) >= 6) as count_weekend_orders
    from kept_orders
    group by customer_id

),

lines as (

    select
        kept_orders.customer_id,
        count(distinct order_lines.product_id) as count_products,
        avg(order_lines.quantity) as pieces_per_line
    from {{ ref('fct_order_lines') }} as order_lines
    inner join kept_orders on order_lines.order_id = kept_orders.order_id
    where order_lines.line_type = 'sale'
    group by kept_orders.customer_id

)

select
    orders.customer_id,
    orders.first_order_date,
    orders.last_order_date,
    cast(orders.count_orders as integer) as count_orders,
    cast(orders.average_order_amount as numeric(16, 2)) as average_order_amount,
    cast(orders.largest_order_amount as numeric(16, 2)) as largest_order_amount,
    cast(orders.count_weekend_orders * 1.0 / orders.count_orders as numeric(4, 3)) as weekend_order_share,
    cast(coalesce(lines.count_products, 0) as integer) as count_products,
    cast(lines.pieces_per_line as numeric(16, 1)) as pieces_per_line
from orders
left join lines on orders.customer_id = lines.customer_id
