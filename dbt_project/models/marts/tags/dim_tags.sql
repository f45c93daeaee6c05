-- Grain: one row per tag and version that a night's registry had, retired ones included.
with

periods as (

    select * from {{ ref('stg_history__tags') }}

),

versions as (

    select
        tag_id,
        version,
        max(valid_from) as newest_from,
        min(valid_from) filter (where status = 'active') as first_seen_date,
        max(coalesce(valid_to - 1, {{ as_of_date() }})) filter (where status = 'active') as last_seen_date
    from periods
    group by tag_id, version

),

newest_versions as (

    select
        tag_id,
        max(newest_from) as newest_from
    from versions
    group by tag_id

),

takers as (

    select
        replaced.tag_id,
        max(periods.tag_id) as replaced_by_tag_id
    from periods
    cross join unnest(periods.replaces) as replaced (tag_id)
    where periods.valid_to is null
    group by replaced.tag_id

),

assigned as (

    select
        tag_id,
        version,
        count(*) as count_customers
    from {{ ref('stg_history__customer_tags') }}
    where valid_to is null
    group by tag_id, version

)

select
    {{ tag_key('periods.tag_id', 'periods.version') }} as tag_key,
    periods.tag_id,
    periods.version as tag_version,
    periods.name_en,
    periods.name_zh,
    periods.kind,
    periods.owner,
    case
        when versions.newest_from < newest_versions.newest_from then 'superseded'
        when periods.valid_to is not null then 'retired'
        else periods.status
    end as status,
    periods.rule,
    periods.model as source_model,
    periods.valid_days,
    periods.expires_on,
    nullif(array_to_string(periods.replaces, ', '), '') as replaces,
    takers.replaced_by_tag_id,
    versions.first_seen_date,
    versions.last_seen_date,
    cast(coalesce(assigned.count_customers, 0) as integer) as count_customers
from periods
inner join versions
    on
        periods.tag_id = versions.tag_id
        and periods.version = versions.version
        and periods.valid_from = versions.newest_from
inner join newest_versions on periods.tag_id = newest_versions.tag_id
left join takers on periods.tag_id = takers.tag_id
left join assigned
    on
        periods.tag_id = assigned.tag_id
        and periods.version = assigned.version
