-- Grain: one row per invoice: an order, or a credit note that takes goods back. Amounts are additive.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['customer_id']}],
    meta={'kept': {
        'key': 'order_id',
        'scope': {'column': 'order_id', 'entities': ['lines.order']},
        'tells': {'orders.customer': ['customer_id']},
        'is_published': true
    }}
) }}
with

lines as (

    select * from {{ ref('fct_order_lines') }}
    where {{ in_scope('order_id') }}

),

cancelled as (

    select
        cancelled_order_id as order_id,
        sum(amount) as cancelled_amount,
        count(*) as count_cancelled_lines
    from {{ ref('fct_order_lines') }}
    where
        line_type = 'cancellation'
        and {{ in_scope('cancelled_order_id') }}
    group by 1

),

invoices as (

    select
        order_id,
        max(account_id) as account_id,
        max(customer_id) as customer_id,
        case when min(line_type) = 'sale' then 'order' else 'credit_note' end as order_type,
        min(ordered_at) as ordered_at,
        min(order_date) as order_date,
        count(*) as count_lines,
        sum(quantity) as quantity,
        sum(amount) as amount
    from lines
    group by 1

)

select
    invoices.order_id,
    invoices.account_id,
    invoices.customer_id,
    invoices.order_type,
    coalesce(invoices.count_lines = cancelled.count_cancelled_lines, false) as is_cancelled,
    cast(invoices.count_lines as integer) as count_lines,
    cast(invoices.quantity as integer) as quantity,
    cast(invoices.amount as numeric(16, 3)) as amount,
    cast(coalesce(cancelled.cancelled_amount, 0) as numeric(16, 3)) as cancelled_amount,
    cast(invoices.amount + coalesce(cancelled.cancelled_amount, 0) as numeric(16, 3)) as kept_amount,
    cast('{{ var("currency") }}' as text) as currency,
    invoices.ordered_at,
    invoices.order_date
from invoices
left join cancelled on invoices.order_id = cancelled.order_id
