-- Grain: one row per version of a record that tells of a person or a company and still counts.
-- A deleted record counts only if it was merged away and its heir is known: then with what it said before, and its heir's key.
{{ config(
    materialized='incremental',
    meta={'kept': {'key': 'kind, record_key, recency', 'tells': {'told.record': ['record_key']}}}
) }}
with

told as (

    select * from {{ ref('int_identity_person_versions') }}
    union all
    select * from {{ ref('int_identity_company_versions') }}

),

arrived as (

    -- What arrives after a deletion is newer than it: a record that was restored need not have changed.
    select
        *,
        first_value(is_deleted) over (
            partition by kind, source, entity, record_id
            order by load_id desc, row_number desc
        ) as is_gone
    from told

),

aliases as (

    select
        module,
        lost_record_id,
        case module
            when 'Accounts' then {{ strong_key('zoho_crm.account', 'kept_record_id') }}
            when 'Contacts' then {{ strong_key('zoho_crm.contact', 'kept_record_id') }}
            when 'Leads' then {{ strong_key('zoho_crm.lead', 'kept_record_id') }}
        end as kept_key
    from {{ ref('int_zoho_crm_aliases__matched') }}

),

living as (

    select
        arrived.kind,
        arrived.source || '.' || arrived.entity || ':' || arrived.record_id as record_key,
        arrived.source,
        arrived.entity,
        arrived.record_id,
        min(arrived.known_at) over (
            partition by arrived.kind, arrived.source, arrived.entity, arrived.record_id
        ) as known_at,
        arrived.changed_at,
        arrived.name_raw,
        arrived.country,
        arrived.birth_raw,
        arrived.street_raw,
        arrived.city_raw,
        arrived.postcode_raw,
        arrived.company_raw,
        arrived.company_key,
        arrived.registration_raw,
        arrived.website,
        arrived.device,
        arrived.title,
        arrived.mails_raw,
        arrived.phones_raw,
        array_remove(arrived.keys || aliases.kept_key, null) as keys,
        row_number() over (
            partition by arrived.kind, arrived.source, arrived.entity, arrived.record_id
            order by arrived.changed_at desc, arrived.load_id desc, arrived.row_number desc
        ) as recency
    from arrived
    left join aliases
        on
            arrived.source = 'zoho_crm'
            and arrived.entity = aliases.module
            and arrived.record_id = aliases.lost_record_id
    where
        not arrived.is_deleted
        and (not arrived.is_gone or aliases.kept_key is not null)

)

select * from living
