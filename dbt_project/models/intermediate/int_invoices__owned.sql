-- Grain: one row per invoice whose customer identity tells, as known on the night.
{{ config(
    materialized='incremental',
    meta={'kept': {'key': 'invoice_number', 'tells': {'shop.invoice_owner': ['invoice_number']}}}
) }}
select
    substring(record_key from '^shop\.orders:(.*)$') as invoice_number,
    customer_id
from {{ ref('stg_identity__assignments') }}
where
    kind = 'person'
    and record_key like 'shop.orders:%'
