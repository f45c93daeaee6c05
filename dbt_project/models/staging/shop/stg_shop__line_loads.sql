-- Grain: one row per load whose lines count on the night, with how many of them are quarantined.
-- A load's rows never change: whoever knows a load with this number of quarantined rows knows its lines.
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
        count(distinct row_number) as count_quarantined
    from {{ source('ops', 'quarantine') }}
    group by 1

)

select
    loads.load_id,
    loads.file_date,
    coalesce(quarantined.count_quarantined, 0) as count_quarantined
from loads
left join quarantined on loads.load_id = quarantined.load_id
