-- Grain: one row per invoice line that counts: sales, cancellations and returns. Amounts are additive.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['order_id']}, {'columns': ['cancelled_order_id']}, {'columns': ['customer_id']}],
    meta={'kept': {
        'key': 'order_line_id',
        'scope': {'column': 'order_id', 'entities': ['classified.invoice', 'matched.invoice']},
        'tells': {'lines.order': ['order_id', 'cancelled_order_id']},
        'is_published': true
    }}
) }}
with

classified as (

    select * from {{ ref('int_order_lines__classified') }}
    where
        exclusion_reason is null
        and {{ in_scope('invoice_number') }}

),

matched as (

    select * from {{ ref('int_credit_lines__matched') }}

)

select
    classified.order_line_id,
    classified.invoice_number as order_id,
    classified.product_id,
    classified.account_id,
    classified.customer_id,
    case
        when classified.direction = 'sale' then 'sale'
        when matched.order_line_id is not null then 'cancellation'
        else 'return'
    end as line_type,
    matched.cancelled_order_line_id,
    matched.cancelled_order_id,
    classified.quantity,
    classified.unit_price,
    classified.amount,
    cast('{{ var("currency") }}' as text) as currency,
    classified.invoiced_at as ordered_at,
    classified.invoice_date as order_date
from classified
left join matched on classified.order_line_id = matched.order_line_id
