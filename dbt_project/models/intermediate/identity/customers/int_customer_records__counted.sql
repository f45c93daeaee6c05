-- Grain: one row per person: how many records tell of them, of how many sources, and since when and until when.
with

assignments as (

    select * from {{ ref('stg_identity__assignments') }}
    where kind = 'person'

),

records as (

    select * from {{ ref('int_identity_records') }}
    where kind = 'person'

)

select
    assignments.customer_id,
    count(*) as count_records,
    count(distinct records.source) as count_sources,
    min(records.known_at) as first_told_at,
    max(records.known_at) as last_told_at
from assignments
inner join records on assignments.record_key = records.record_key
group by assignments.customer_id
