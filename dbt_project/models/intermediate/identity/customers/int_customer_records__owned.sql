-- Grain: one row per record that belongs to a person as known on the night.
-- Identity answers for a night, in whatever order nights come: what it answers otherwise than in the run before begins or ends
-- on a day between the two (records_assigned_meanwhile).
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['customer_id']}, {'columns': ['invoice_number']}],
    meta={'kept': {
        'key': 'record_key',
        'scope': {'column': 'record_key', 'entities': [], 'reached': 'records_assigned_meanwhile'},
        'tells': {'owned.customer': ['customer_id'], 'owned.invoice': ['invoice_number']}
    }}
) }}
-- depends_on: {{ ref('stg_identity__assignment_periods') }}
select
    record_key,
    customer_id,
    {{ record_id_of('shop.orders', 'record_key') }} as invoice_number,
    valid_from
from {{ ref('stg_identity__assignments') }}
where
    kind = 'person'
    and {{ in_scope('record_key') }}
