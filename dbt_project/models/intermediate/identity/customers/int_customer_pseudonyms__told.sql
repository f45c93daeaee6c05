-- Grain: one row per person, domain and value that any of the person's records tells.
with

records as (

    select
        assignments.customer_id,
        normal_records.record_key,
        normal_records.mails,
        normal_records.phones
    from {{ ref('int_identity_records') }} as normal_records
    inner join {{ ref('stg_identity__assignments') }} as assignments on normal_records.record_key = assignments.record_key
    where
        normal_records.kind = 'person'
        and assignments.kind = 'person'

),

told as (

    select
        records.customer_id,
        records.record_key,
        'mail' as domain,
        mail.value
    from records
    cross join unnest(records.mails) as mail (value)
    union all
    select
        records.customer_id,
        records.record_key,
        'phone' as domain,
        phone.value
    from records
    cross join unnest(records.phones) as phone (value)

),

counted as (

    select
        customer_id,
        domain,
        value,
        count(distinct record_key) as count_records
    from told
    group by customer_id, domain, value

)

select
    counted.customer_id,
    counted.domain,
    counted.value,
    counted.count_records,
    pseudonyms.pseudonym,
    pseudonyms.key_id
from counted
inner join {{ ref('stg_identity__pseudonyms') }} as pseudonyms
    on
        counted.domain = pseudonyms.domain
        and counted.value = pseudonyms.value
