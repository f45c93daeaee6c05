-- Grain: one row per configured entity of a source: how far its rows reach, whether that is too old, what it feeds.
with

entities as (

    select * from {{ ref('stg_ops__source_entities') }}

),

fed as (

    {% for table in raw_tables() -%}
        select
            '{{ table.schema }}' as schema_name,
            '{{ table.identifier }}' as table_name,
            '{{ marts_fed_by(table.unique_id) | join(", ") }}' as marts
        union all
    {% endfor %}
    select
        cast(null as text) as schema_name,
        cast(null as text) as table_name,
        cast(null as text) as marts

),

aged as (

    select
        entities.*,
        {{ as_of_date() }} - entities.latest_date as days_behind,
        coalesce(fed.marts, '') as marts
    from entities
    left join fed
        on
            'raw_' || entities.source = fed.schema_name
            and entities.table_name = fed.table_name

)

select
    source,
    entity,
    kind,
    is_required,
    is_read,
    latest_date,
    days_behind,
    max_age_days,
    not is_read or latest_date is null or coalesce(days_behind > max_age_days, false) as is_stale,
    count_records,
    count_source_records,
    count_source_records - count_records as count_difference,
    marts
from aged
