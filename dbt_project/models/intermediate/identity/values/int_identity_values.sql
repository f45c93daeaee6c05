-- Grain: one row per kind and record that tells of a customer: what all its versions say, as it is written.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'kind, record_key',
        'scope': {'column': 'record_key', 'entities': ['told.record']},
        'tells': {'identity.record': ['record_key']}
    }}
) }}
with

employments as (

    select * from {{ ref('int_identity_employments') }}

),

named_companies as (

    select * from employments
    where {{ in_scope('company_record_key') }}

),

newest_employments as (

    select distinct on (company_record_key) *
    from named_companies
    order by company_record_key asc, employed_from desc

),

named as (

    select
        company_record_key,
        min(employed_from) as known_at,
        (array_agg(mail_raw order by employed_from desc) filter (where mail_raw is not null))[1] as mail_raw
    from named_companies
    group by company_record_key

),

versions as (

    select * from {{ ref('int_identity_versions') }}
    where {{ in_scope('record_key') }}

),

newest as (

    select * from versions
    where recency = 1

),

told_mails as (

    select
        versions.kind,
        versions.record_key,
        mails.mail,
        min(versions.recency * 100 + mails.place) as age
    from versions
    cross join unnest(versions.mails_raw) with ordinality as mails (mail, place)
    group by versions.kind, versions.record_key, mails.mail

),

mails as (

    select
        kind,
        record_key,
        array_agg(mail order by age, mail) as mails_raw
    from told_mails
    group by kind, record_key

),

told_phones as (

    select
        versions.kind,
        versions.record_key,
        phones.phone,
        min(versions.recency * 100 + phones.place) as age
    from versions
    cross join unnest(versions.phones_raw) with ordinality as phones (phone, place)
    group by versions.kind, versions.record_key, phones.phone

),

phones as (

    select
        kind,
        record_key,
        array_agg(phone order by age, phone) as phones_raw
    from told_phones
    group by kind, record_key

),

since as (

    select
        record_key,
        employed_from as company_since
    from employments
    where employed_to is null

),

records as (

    select
        newest.kind,
        newest.record_key,
        newest.source,
        newest.entity,
        newest.record_id,
        newest.known_at,
        newest.name_raw,
        coalesce(mails.mails_raw, '{}') as mails_raw,
        coalesce(phones.phones_raw, '{}') as phones_raw,
        newest.country,
        newest.birth_raw,
        newest.street_raw,
        newest.city_raw,
        newest.postcode_raw,
        newest.company_raw,
        newest.registration_raw,
        array_remove(array[newest.website], null) as websites,
        array_remove(array[newest.device], null) as devices,
        newest.keys,
        newest.title,
        since.company_since
    from newest
    left join mails
        on
            newest.kind = mails.kind
            and newest.record_key = mails.record_key
    left join phones
        on
            newest.kind = phones.kind
            and newest.record_key = phones.record_key
    left join since
        on
            newest.record_key = since.record_key
            and newest.kind = 'person'

),

employers as (

    -- The company that a person's record names, as a record of its own.
    select
        'company' as kind,
        newest.company_record_key as record_key,
        newest.source,
        newest.entity,
        newest.record_id,
        named.known_at,
        cast(null as text) as name_raw,
        array_remove(array[named.mail_raw], null) as mails_raw,
        cast('{}' as text[]) as phones_raw,
        newest.country,
        cast(null as text) as birth_raw,
        cast(null as text) as street_raw,
        cast(null as text) as city_raw,
        cast(null as text) as postcode_raw,
        newest.company_raw,
        cast(null as text) as registration_raw,
        cast('{}' as text[]) as websites,
        cast('{}' as text[]) as devices,
        array_remove(array[newest.company_key], null) as keys,
        cast(null as text) as title,
        cast(null as timestamptz) as company_since
    from newest_employments as newest
    inner join named on newest.company_record_key = named.company_record_key

),

orders as (

    select
        'person' as kind,
        record_key,
        'shop' as source,
        'orders' as entity,
        record_id,
        known_at,
        cast(null as text) as name_raw,
        cast('{}' as text[]) as mails_raw,
        cast('{}' as text[]) as phones_raw,
        country,
        cast(null as text) as birth_raw,
        cast(null as text) as street_raw,
        cast(null as text) as city_raw,
        cast(null as text) as postcode_raw,
        cast(null as text) as company_raw,
        cast(null as text) as registration_raw,
        cast('{}' as text[]) as websites,
        cast('{}' as text[]) as devices,
        keys,
        cast(null as text) as title,
        cast(null as timestamptz) as company_since
    from {{ ref('int_order_records__told') }}
    where {{ in_scope('record_key') }}

)

select * from records
where
    -- A record that tells nothing of who it is about is nobody's.
    coalesce(name_raw, company_raw, registration_raw) is not null
    or cardinality(mails_raw || phones_raw || websites || devices || keys) > 0
union all
select * from employers
union all
select * from orders
