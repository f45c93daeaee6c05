-- Grain: one row per payment or refund that a provider tells of. Amounts are additive; refunds are negative.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['order_id']}, {'columns': ['customer_id']}],
    meta={'kept': {
        'key': 'payment_id',
        'tells': {'payments.customer': ['customer_id']},
        'is_published': true
    }}
) }}
with

payments as (

    select * from {{ ref('int_payments__converted') }}
    where exclusion_reason is null

),

orders as (

    select
        order_id,
        customer_id
    from {{ ref('fct_orders') }}

),

signed as (

    select
        *,
        case when payment_type = 'refund' then -1 else 1 end as direction,
        coalesce(status = 'settled', false) as is_settled
    from payments

)

select
    signed.payment_id,
    signed.payment_type,
    signed.order_number,
    orders.order_id,
    orders.customer_id,
    coalesce(signed.method, 'unknown') as method,
    coalesce(signed.status, 'unknown') as status,
    signed.is_settled,
    cast(signed.direction * signed.original_amount as numeric(16, 2)) as original_amount,
    signed.original_currency,
    signed.exchange_rate,
    cast(signed.direction * signed.converted_amount as numeric(16, 2)) as amount,
    cast(
        case when signed.is_settled then signed.direction * signed.converted_amount else 0 end as numeric(16, 2)
    ) as settled_amount,
    signed.converted_fee as fee_amount,
    cast('{{ var("currency") }}' as text) as currency,
    signed.created_at,
    signed.created_date,
    signed.settled_at
from signed
left join orders on signed.order_number = orders.order_id
