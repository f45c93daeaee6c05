-- Grain: one row per person and field that any of the person's records tells: the value that survives, and where it is from.
-- The order of trust is the seed survivorship; among equals the newest record counts, then the smallest key.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'customer_id, field',
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

    select
        owned.customer_id,
        normal_records.record_key,
        normal_records.source,
        normal_records.entity,
        normal_records.known_at,
        written.name_raw as full_name,
        cast(normal_records.birth_date as text) as birth_date,
        normal_records.mails[1] as mail,
        normal_records.phones[1] as phone,
        written.street_raw as street,
        written.postcode_raw as postcode,
        written.city_raw as city,
        written.country,
        written.title
    from {{ ref('int_identity_records') }} as normal_records
    inner join owned on normal_records.record_key = owned.record_key
    inner join {{ ref('int_identity_values') }} as written
        on
            normal_records.record_key = written.record_key
            and normal_records.kind = written.kind
    where normal_records.kind = 'person'

),

told as (

    {{ told_fields('records') }}

),

ranked as (

    select
        told.*,
        row_number() over (
            partition by told.customer_id, told.field
            order by survivorship.priority asc nulls last, told.known_at desc nulls last, told.record_key asc
        ) as place
    from told
    left join {{ ref('survivorship') }} as survivorship
        on
            told.source = survivorship.source
            and told.entity = survivorship.entity
            and told.field_group = survivorship.field_group

)

select
    customer_id,
    field,
    field_value,
    source || '.' || entity as field_source,
    known_at
from ranked
where place = 1
