-- Grain: one row per invoice that names an account: the record of whoever ordered.
-- Of all records these are the most, and each is what its lines say: only those whose lines changed are made again.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'record_key',
        'scope': {'column': 'record_id', 'entities': ['shop.line_invoice']},
        'tells': {'told.record': ['record_key']}
    }}
) }}
with

invoices as (

    -- One whose lines name several accounts belongs to none of them for certain.
    select
        invoice_number,
        case when min(customer_id) = max(customer_id) then min(customer_id) end as account_id,
        min(country) as country,
        min(invoiced_at) as known_at
    from {{ ref('stg_shop__order_lines') }}
    where
        customer_id is not null
        and {{ in_scope('invoice_number') }}
    group by invoice_number

)

select
    'shop.orders:' || invoice_number as record_key,
    invoice_number as record_id,
    known_at,
    country,
    {{ text_list([order_key('invoice_number'), strong_key('shop.account', 'account_id')]) }} as keys
from invoices
