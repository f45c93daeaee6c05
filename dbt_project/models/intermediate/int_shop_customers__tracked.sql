{{ config(materialized='view') }}
-- Grain: one row per order or account of the shop and period in which it was known to belong to one customer.
select
    substring(record_key from '^shop\.orders:(.*)$') as order_id,
    substring(record_key from '^shop\.accounts:(.*)$') as account_id,
    customer_id,
    valid_from,
    valid_to
from {{ ref('stg_identity__assignment_periods') }}
where
    kind = 'person'
    and (record_key like 'shop.orders:%' or record_key like 'shop.accounts:%')
