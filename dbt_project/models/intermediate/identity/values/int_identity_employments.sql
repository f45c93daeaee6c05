-- Grain: one row per person's record and uninterrupted time in which its versions name one company.
-- The first company a record ever named has the record's own key in the graph of companies, each further one a numbered key:
-- so the key of a company's mention stays with that company when the person moves on.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'record_key, run',
        'tells': {'told.record': ['record_key', 'company_record_key']}
    }}
) }}
with

people as (

    select
        *,
        coalesce(company_key, lower(company_raw)) as named
    from {{ ref('int_identity_versions') }}
    where kind = 'person'

),

employed as (

    select distinct record_key
    from people
    where named is not null

),

versions as (

    select people.*
    from people
    inner join employed on people.record_key = employed.record_key

),

followed_versions as (

    select
        *,
        lag(named) over (partition by record_key order by recency desc) as previously_named
    from versions

),

numbered as (

    select
        *,
        count(*) filter (where named is distinct from previously_named) over (
            partition by record_key
            order by recency desc
        ) as run
    from followed_versions

),

runs as (

    select
        source,
        entity,
        record_id,
        record_key,
        run,
        named,
        min(changed_at) as employed_from,
        max(changed_at) filter (where title is not null) as titled_at,
        (array_agg(title order by recency) filter (where title is not null))[1] as title,
        (array_agg(company_raw order by recency) filter (where company_raw is not null))[1] as company_raw,
        max(company_key) as company_key,
        (array_agg(mails_raw[1] order by recency) filter (where mails_raw[1] is not null))[1] as mail_raw,
        (array_agg(country order by recency) filter (where country is not null))[1] as country
    from numbered
    group by source, entity, record_id, record_key, run, named

),

followed as (

    select
        *,
        lead(employed_from) over (partition by record_key order by run) as employed_to,
        min(run) over (partition by record_key, named) as first_run
    from runs

),

employments as (

    select
        *,
        dense_rank() over (partition by record_key order by first_run) as employer_number
    from followed
    where named is not null

)

select
    source,
    entity,
    record_id,
    record_key,
    run,
    record_key || case when employer_number > 1 then '#' || employer_number else '' end as company_record_key,
    company_raw,
    company_key,
    mail_raw,
    country,
    title,
    titled_at,
    employed_from,
    employed_to
from employments
