-- Grain: one row per company of the identity's graph of companies: of each field the value that the best source tells.
-- A register of credit ratings is better than a CRM's record of the company, that better than where people name it.
with

assignments as (

    select
        record_key,
        customer_id as company_id
    from {{ ref('stg_identity__assignments') }}
    where kind = 'company'

),

zoho_accounts as (

    {{ current_records(ref('stg_zoho_crm__account_versions'), 'account_id') }}

),

fxiaoke_accounts as (

    {{ current_records(ref('stg_fxiaoke__account_versions'), 'account_id') }}

),

industries as (

    select
        'zoho_crm.Accounts:' || account_id as record_key,
        industry
    from zoho_accounts
    union all
    select
        'fxiaoke.AccountObj:' || account_id as record_key,
        industry
    from fxiaoke_accounts

),

versions as (

    select
        record_key,
        max(changed_at) as changed_at
    from {{ ref('int_identity_versions') }}
    where
        kind = 'company'
        and changed_at < {{ as_of_end() }}
    group by record_key

),

mentions as (

    select
        company_record_key,
        max(employed_from) as changed_at
    from {{ ref('int_identity_employments') }}
    where employed_from < {{ as_of_end() }}
    group by company_record_key

),

records as (

    select
        assignments.company_id,
        told.record_key,
        told.source,
        told.source || '.' || told.entity as origin,
        case
            when told.source = 'reference' then 1
            when told.entity in ('Accounts', 'AccountObj') then 2
            else 3
        end as source_rank,
        told.company_raw,
        nullif(upper(regexp_replace(told.registration_raw, '[^[:alnum:]]', '', 'g')), '') as registration_number,
        told.country,
        told.city_raw,
        told.websites[1] as website,
        industries.industry,
        told.known_at,
        coalesce(versions.changed_at, mentions.changed_at) as changed_at
    from assignments
    inner join {{ ref('int_identity_values') }} as told
        on
            told.kind = 'company'
            and assignments.record_key = told.record_key
    left join industries on assignments.record_key = industries.record_key
    left join versions on assignments.record_key = versions.record_key
    left join mentions on assignments.record_key = mentions.company_record_key
    where told.known_at is null or told.known_at < {{ as_of_end() }}

),

told_values as (

    select
        records.company_id,
        records.record_key,
        records.origin,
        records.source_rank,
        records.changed_at,
        fields.field,
        fields.field_value
    from records
    cross join
        unnest(
            array['name', 'registration_number', 'country', 'city', 'website', 'industry'],
            array[
                records.company_raw, records.registration_number, records.country, records.city_raw, records.website,
                records.industry
            ]
        ) as fields (field, field_value)
    where fields.field_value is not null

),

counted as (

    select
        company_id,
        field,
        source_rank,
        field_value,
        count(*) as count_records,
        max(changed_at) as changed_at,
        (array_agg(origin order by changed_at desc nulls last, record_key asc))[1] as origin
    from told_values
    group by company_id, field, source_rank, field_value

),

best as (

    -- Of registers and CRMs the newest word counts, of mentions the most frequent.
    select distinct on (company_id, field)
        company_id,
        field,
        field_value,
        origin
    from counted
    order by
        company_id asc,
        field asc,
        source_rank asc,
        case when source_rank = 3 then count_records end desc nulls last,
        changed_at desc nulls last,
        field_value asc

),

chosen as (

    select
        company_id,
        max(field_value) filter (where field = 'name') as name,
        max(origin) filter (where field = 'name') as name_source,
        max(field_value) filter (where field = 'registration_number') as registration_number,
        max(origin) filter (where field = 'registration_number') as registration_source,
        max(field_value) filter (where field = 'country') as country,
        max(field_value) filter (where field = 'city') as city,
        max(field_value) filter (where field = 'industry') as industry,
        max(field_value) filter (where field = 'website') as website
    from best
    group by company_id

),

extents as (

    select
        company_id,
        min(known_at) as first_known_at,
        max(changed_at) as last_changed_at
    from records
    group by company_id

),

sizes as (

    select
        company_id,
        count(*) as count_records,
        count(distinct split_part(record_key, '.', 1)) as count_sources
    from assignments
    group by company_id

),

people as (

    select
        company_customer_id as company_id,
        count(distinct person_customer_id) as count_people
    from {{ ref('int_company_people__matched') }}
    where
        valid_from <= {{ as_of_date() }}
        and (valid_to is null or valid_to > {{ as_of_date() }})
    group by company_customer_id

),

ratings as (

    -- The register is one file: a night of the past must not see what was rated later.
    select distinct on (assignments.company_id)
        assignments.company_id,
        rated.rating,
        rated.score,
        rated.limit_gbp,
        rated.agency,
        rated.rated_on,
        rated.valid_until
    from assignments
    inner join {{ ref('stg_reference__credit_ratings') }} as rated
        on assignments.record_key = 'reference.credit_ratings:' || rated.rating_id
    where rated.rated_on <= {{ as_of_date() }}
    order by
        assignments.company_id asc,
        rated.rated_on desc,
        rated.valid_until desc nulls last,
        rated.rating_id asc

)

select
    sizes.company_id,
    chosen.name,
    chosen.name_source,
    chosen.registration_number,
    chosen.registration_source,
    chosen.country,
    chosen.city,
    chosen.industry,
    chosen.website,
    sizes.count_records,
    coalesce(people.count_people, 0) as count_people,
    sizes.count_sources,
    ratings.rating,
    ratings.score,
    ratings.limit_gbp,
    ratings.agency,
    ratings.rated_on,
    ratings.valid_until,
    ratings.valid_until < {{ as_of_date() }} as is_expired,
    extents.first_known_at,
    extents.last_changed_at
from sizes
left join chosen on sizes.company_id = chosen.company_id
left join extents on sizes.company_id = extents.company_id
left join people on sizes.company_id = people.company_id
left join ratings on sizes.company_id = ratings.company_id
