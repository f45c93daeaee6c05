-- Grain: one row per stock code and day with a line that counts, and how the last such line of the day describes the product.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'product_day_id',
        'scope': {'column': 'invoice_date', 'type': 'date', 'entities': ['classified.day']}
    }}
) }}
with

lines as (

    select * from {{ ref('int_order_lines__classified') }}
    where
        exclusion_reason is null
        and {{ in_scope('invoice_date') }}

),

days as (

    select distinct
        product_id,
        invoice_date
    from lines

),

descriptions as (

    select distinct on (product_id, invoice_date)
        product_id,
        invoice_date,
        description,
        invoiced_at as described_at,
        order_line_id as described_by
    from lines
    where description is not null
    order by product_id asc, invoice_date asc, invoiced_at desc, order_line_id desc

)

select
    days.product_id || '/' || cast(days.invoice_date as text) as product_day_id,
    days.product_id,
    days.invoice_date,
    descriptions.description,
    descriptions.described_at,
    descriptions.described_by
from days
left join descriptions
    on
        days.product_id = descriptions.product_id
        and days.invoice_date = descriptions.invoice_date
