-- Grain: one row per person: how many records tell of them, of how many sources, and since when and until when.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'customer_id',
        'scope': {
            'column': 'customer_id',
            'entities': ['owned.customer', 'identity.record', 'normal.record'],
            'reached': 'customers_of_changed_records'
        },
        'tells': {'told.customer': ['customer_id']}
    }}
) }}
with

owned as (

    select
        record_key,
        customer_id
    from {{ ref('int_customer_records__owned') }}
    where {{ in_scope('customer_id') }}

),

records as (

    select * from {{ ref('int_identity_records') }}
    where kind = 'person'

)

select
    owned.customer_id,
    count(*) as count_records,
    count(distinct records.source) as count_sources,
    min(records.known_at) as first_told_at,
    max(records.known_at) as last_told_at
from owned
inner join records on owned.record_key = records.record_key
group by owned.customer_id
