-- Grain: one row per record that belongs to a person as known on the night.
-- Identity answers for a night, in whatever order nights come: all answers are compared with those of the run before, so that
-- models downstream need not.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['customer_id']}, {'columns': ['invoice_number']}],
    meta={'kept': {
        'key': 'record_key',
        'tells': {'owned.customer': ['customer_id'], 'owned.invoice': ['invoice_number']}
    }}
) }}
select
    record_key,
    customer_id,
    {{ record_id_of('shop.orders', 'record_key') }} as invoice_number
from {{ ref('stg_identity__assignments') }}
where kind = 'person'
