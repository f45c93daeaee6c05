-- Grain: one row per customer with at least one line that counts, as known on the night.
with

lines as (

    select * from {{ ref('int_order_lines__classified') }}
    where
        exclusion_reason is null
        and customer_id is not null

),

countries as (

    select
        customer_id,
        country,
        row_number() over (partition by customer_id order by invoiced_at desc, order_line_id desc) as newness
    from lines
    where country is not null

),

orders as (

    select
        customer_id,
        min(order_date) filter (where order_type = 'order') as first_order_date,
        max(order_date) filter (where order_type = 'order') as last_order_date,
        count(*) filter (where order_type = 'order') as count_orders,
        count(*) filter (where order_type = 'credit_note') as count_credit_notes,
        sum(amount) filter (where order_type = 'order') as gross_amount,
        sum(amount) as net_amount,
        count(distinct account_id) as count_accounts
    from {{ ref('fct_orders') }}
    where customer_id is not null
    group by 1

)

select
    orders.customer_id,
    countries.country,
    cast(orders.count_accounts as integer) as count_accounts,
    orders.first_order_date,
    orders.last_order_date,
    cast(orders.count_orders as integer) as count_orders,
    cast(orders.count_credit_notes as integer) as count_credit_notes,
    cast(coalesce(orders.gross_amount, 0) as numeric(16, 3)) as gross_amount,
    cast(orders.net_amount as numeric(16, 3)) as net_amount,
    cast('{{ var("currency") }}' as text) as currency,
    cast('shop' as text) as record_source
from orders
left join countries
    on
        orders.customer_id = countries.customer_id
        and countries.newness = 1
