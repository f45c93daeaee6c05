-- Grain: one row per load and fate of its raw lines known on the night: staged, or quarantined by which rule.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'line_account_id',
        'scope': {'column': 'load_id', 'type': 'bigint', 'entities': ['shop.line_load']}
    }}
) }}
with

loads as (

    select * from {{ ref('stg_shop__line_loads') }}
    where {{ in_scope('load_id') }}

),

quarantined as (

    -- A row may break several rules; it is counted under the first by name.
    select
        load_id,
        row_number,
        min(rule) as rule
    from {{ source('ops', 'quarantine') }}
    group by 1, 2

),

counted as (

    select
        loads.load_id,
        coalesce('quarantined: ' || quarantined.rule, 'staged') as reason,
        count(*) as count_lines,
        sum({{ amount_if_valid('lines."Quantity"', 'lines."UnitPrice"') }}) as amount
    from {{ source('shop', 'order_lines') }} as lines
    inner join loads on lines._load_id = loads.load_id
    left join quarantined
        on
            lines._load_id = quarantined.load_id
            and lines._row_number = quarantined.row_number
    group by 1, 2

)

select
    load_id || '/' || reason as line_account_id,
    load_id,
    reason,
    count_lines,
    amount
from counted
