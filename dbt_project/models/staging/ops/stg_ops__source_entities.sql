-- Grain: one row per configured entity of a source.
with

known as (

    select
        source,
        entity,
        max(as_of_date) as latest_date,
        max(load_id) filter (where state is not null) as newest_reading_id
    from {{ source('ops', 'loads') }}
    where
        status = 'accepted'
        and as_of_date <= {{ as_of_date() }}
    group by 1, 2

),

read_now as (

    select
        source,
        entity
    from {{ source('ops', 'entity_runs') }}
    where
        error is null
        and run_id = cast(replace('{{ var("run_schema") }}', 'run_', '') as bigint)

)

select
    entities.source,
    entities.entity,
    entities.table_name,
    entities.kind,
    entities.max_age_days,
    entities.is_required,
    read_now.entity is not null as is_read,
    known.latest_date,
    readings.count_live as count_records,
    readings.count_source as count_source_records
from {{ source('ops', 'source_entities') }} as entities
left join known
    on
        entities.source = known.source
        and entities.entity = known.entity
left join read_now
    on
        entities.source = read_now.source
        and entities.entity = read_now.entity
left join {{ source('ops', 'loads') }} as readings on known.newest_reading_id = readings.load_id
