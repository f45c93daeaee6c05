-- Grain: one row per kind and record that tells of a customer: what it says in a form that compares.
-- Of the dictionaries nothing is asked here: a value that they gain is new in the record that says it.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'kind, record_key',
        'scope': {'column': 'record_key', 'entities': ['identity.record']},
        'tells': {'normal.record': ['record_key']}
    }}
) }}
with

records as (

    select * from {{ ref('int_identity_values') }}
    where {{ in_scope('record_key') }}

),

addresses as (

    select * from {{ ref('stg_identity__normal_addresses') }}

),

mails as (

    select
        records.kind,
        records.record_key,
        array_agg(distinct normal_mails.mail order by normal_mails.mail) as mails,
        array_agg(distinct split_part(normal_mails.mail, '@', 2)) as domains
    from records
    cross join unnest(records.mails_raw) as written (raw)
    inner join {{ ref('stg_identity__normal_mails') }} as normal_mails on written.raw = normal_mails.raw
    where normal_mails.mail is not null
    group by records.kind, records.record_key

),

phones as (

    select
        records.kind,
        records.record_key,
        array_agg(distinct normal_phones.phone order by normal_phones.phone) as phones
    from records
    cross join unnest(records.phones_raw) as written (raw)
    inner join {{ ref('stg_identity__normal_phones') }} as normal_phones
        on
            written.raw = normal_phones.raw
            and coalesce(records.country, '') = normal_phones.country
    where normal_phones.phone is not null
    group by records.kind, records.record_key

),

keys as (

    select
        records.kind,
        records.record_key,
        array_agg(distinct listed.strong_key order by listed.strong_key) as keys
    from records
    cross join unnest(records.keys) as listed (strong_key)
    group by records.kind, records.record_key

),

normalised as (

    select
        records.kind,
        records.record_key,
        records.source,
        records.entity,
        records.record_id,
        records.known_at,
        names.given_name,
        names.surname,
        names.name_key,
        names.name_compact,
        names.name_han,
        -- A company is told by where its people have their mail, not by whose mail it is.
        case when records.kind = 'person' then coalesce(mails.mails, '{}') else '{}' end as mails,
        coalesce(phones.phones, '{}') as phones,
        births.birth_date,
        street.normal as street,
        city.normal as city,
        postcode.normal as postcode,
        records.country,
        companies.company,
        companies.company_city,
        nullif(upper(regexp_replace(records.registration_raw, '[^[:alnum:]]', '', 'g')), '') as registration,
        records.websites,
        case
            when records.kind = 'company'
                then array(
                    select distinct named.domain
                    from unnest(records.websites || coalesce(mails.domains, '{}')) as named (domain)
                    order by named.domain
                )
            else '{}'
        end as domains,
        records.devices,
        coalesce(keys.keys, '{}') as keys,
        records.title
    from records
    left join {{ ref('stg_identity__normal_names') }} as names on records.name_raw = names.raw
    left join mails
        on
            records.kind = mails.kind
            and records.record_key = mails.record_key
    left join phones
        on
            records.kind = phones.kind
            and records.record_key = phones.record_key
    left join keys
        on
            records.kind = keys.kind
            and records.record_key = keys.record_key
    left join {{ ref('stg_identity__normal_births') }} as births on records.birth_raw = births.raw
    left join addresses as street
        on
            records.street_raw = street.raw
            and street.part = 'street'
    left join addresses as city
        on
            records.city_raw = city.raw
            and city.part = 'city'
    left join addresses as postcode
        on
            records.postcode_raw = postcode.raw
            and postcode.part = 'postcode'
    left join {{ ref('stg_identity__normal_companies') }} as companies on records.company_raw = companies.raw

)

select
    *,
    md5(cast(row(
        given_name, surname, name_key, name_compact, name_han, mails, phones, to_char(birth_date, 'YYYY-MM-DD'),
        street, city, postcode, country, company, company_city, registration, websites, domains, devices, keys, title,
        extract(epoch from known_at)
    ) as text)) as content_hash
from normalised
