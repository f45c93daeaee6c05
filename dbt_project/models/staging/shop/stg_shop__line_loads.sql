-- Grain: one row per load whose lines count on the night, with a hash of which of them are quarantined, and why.
-- A load's rows never change: whoever knows a load with this hash knows its lines.
{{ config(
    materialized='incremental',
    meta={'kept': {'key': 'load_id', 'tells': {'shop.line_load': ['load_id']}}}
) }}
with

loads as (

    {{ newest_loads('shop', 'order_lines') }}

),

quarantined as (

    select
        load_id,
        md5(string_agg(cast(row_number as text) || ' ' || rule, ',' order by row_number, rule)) as quarantine_hash
    from {{ source('ops', 'quarantine') }}
    group by 1

)

select
    loads.load_id,
    loads.file_date,
    quarantined.quarantine_hash
from loads
left join quarantined on loads.load_id = quarantined.load_id
