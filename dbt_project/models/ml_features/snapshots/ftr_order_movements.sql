-- Grain: one row per order, kind of movement and day on which the order's money moved, as known on the night.
-- Lines are many, snapshots of customers few: added up once, each of them reads these. What cancels an order moves the money of
-- whoever ordered.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'order_id, is_return, moved_on',
        'scope': {'column': 'order_id', 'entities': ['lines.order']}
    }}
) }}
with

lines as (

    -- Two lookups by an index each, where one condition on both columns would read all lines.
    select
        order_id,
        line_type,
        order_date,
        amount
    from {{ ref('fct_order_lines') }}
    where
        customer_id is not null
        and cancelled_order_id is null
        and {{ in_scope('order_id') }}
    union all
    select
        cancelled_order_id as order_id,
        line_type,
        order_date,
        amount
    from {{ ref('fct_order_lines') }}
    where
        customer_id is not null
        and cancelled_order_id is not null
        and {{ in_scope('cancelled_order_id') }}

)

select
    order_id,
    line_type = 'return' as is_return,
    order_date as moved_on,
    cast(count(*) filter (where line_type = 'sale') as integer) as count_lines,
    cast(sum(amount) as numeric(16, 3)) as amount
from lines
group by 1, 2, 3
