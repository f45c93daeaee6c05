-- Grain: one row per credit line that takes back one whole earlier sale line of the same account, product, price, quantity.
-- Accounts, not customers: what cancels what is the shop's own bookkeeping, and stays so whoever turns out to be whom later.
-- Each sale line is taken back once at most: the pair closest in time wins, ties by line id.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['account_id']}],
    meta={'kept': {
        'key': 'order_line_id',
        'scope': {'column': 'account_id', 'entities': ['classified.account']},
        'tells': {'matched.invoice': ['invoice_number', 'cancelled_order_id']}
    }}
) }}
with

counted as (

    select * from {{ ref('int_order_lines__classified') }}
    where
        exclusion_reason is null
        and account_id is not null
        and {{ in_scope('account_id') }}

),

credits as (

    select * from counted
    where direction = 'credit'

),

sales as (

    select * from counted
    where direction = 'sale'

),

pairs as (

    select
        credits.order_line_id,
        credits.invoice_number,
        credits.account_id,
        sales.order_line_id as cancelled_order_line_id,
        sales.invoice_number as cancelled_order_id,
        row_number() over (
            partition by credits.order_line_id
            order by sales.invoiced_at desc, sales.order_line_id desc
        ) as sale_rank
    from credits
    inner join sales
        on
            credits.account_id = sales.account_id
            and credits.product_id = sales.product_id
            and credits.unit_price = sales.unit_price
            and -credits.quantity = sales.quantity
            and credits.invoiced_at >= sales.invoiced_at

),

once as (

    select
        *,
        row_number() over (partition by cancelled_order_line_id order by order_line_id) as credit_rank
    from pairs
    where sale_rank = 1

)

select
    order_line_id,
    invoice_number,
    account_id,
    cancelled_order_line_id,
    cancelled_order_id
from once
where credit_rank = 1
