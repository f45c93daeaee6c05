{{ config(materialized='view') }}
-- Grain: one row per order or account of the shop and period in which it was known to belong to one customer.
select
    {{ record_id_of('shop.orders', 'record_key') }} as order_id,
    {{ record_id_of('shop.accounts', 'record_key') }} as account_id,
    customer_id,
    valid_from,
    valid_to
from {{ ref('stg_identity__assignment_periods') }}
where
    kind = 'person'
    and (record_key like 'shop.orders:%' or record_key like 'shop.accounts:%')
