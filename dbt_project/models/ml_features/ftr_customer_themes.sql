-- Grain: one row per customer and theme of products that the customer ordered.
with

themes as (

    select * from {{ ref('product_themes') }}

),

products as (

    select
        products.product_id,
        themes.theme
    from {{ ref('dim_products') }} as products
    inner join themes on themes.word = any(regexp_split_to_array(upper(products.product_name), '[^A-Z]+'))
    group by products.product_id, themes.theme

),

orders as (

    select
        order_id,
        customer_id,
        order_date
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and not is_cancelled
        and customer_id is not null

),

counted as (

    select
        orders.customer_id,
        products.theme,
        count(distinct orders.order_id) as count_orders,
        max(orders.order_date) as last_order_date
    from {{ ref('fct_order_lines') }} as lines
    inner join orders on lines.order_id = orders.order_id
    inner join products on lines.product_id = products.product_id
    where lines.line_type = 'sale'
    group by orders.customer_id, products.theme

)

select
    customer_id,
    theme,
    cast(count_orders as integer) as count_orders,
    last_order_date,
    'orders about ' || theme || ' = ' || cast(count_orders as text) || ', the last on ' || cast(last_order_date as text) as reason
from counted
