-- Grain: one row per layer and reason: how many lines and how much money each layer holds or leaves out.
-- Each layer's rows add up to the layer before it, to the last decimal.
with

parts as (

    select
        'raw' as layer,
        reason,
        sum(count_lines) as count_lines,
        sum(amount) as amount
    from {{ ref('stg_shop__line_accounts') }}
    group by 2
    union all
    select
        'staging' as layer,
        coalesce('excluded: ' || exclusion_reason, 'counted') as reason,
        count(*) as count_lines,
        sum(amount) as amount
    from {{ ref('int_order_lines__classified') }}
    group by 2
    union all
    select
        'marts' as layer,
        line_type || case when customer_id is null then ' (guest)' else '' end as reason,
        count(*) as count_lines,
        sum(amount) as amount
    from {{ ref('fct_order_lines') }}
    group by 2

)

select
    layer,
    reason,
    cast(count_lines as integer) as count_lines,
    cast(coalesce(amount, 0) as numeric(16, 3)) as amount
from parts
