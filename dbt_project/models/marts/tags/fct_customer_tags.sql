-- Grain: one row per customer, tag, version, and period in which the customer had it without a break.
{{ config(indexes=[{'columns': ['tag_id']}]) }}
with

kept as (

    select
        *,
        lag(valid_to) over (partition by customer_id, tag_id, version order by valid_from) as previous_to
    from {{ ref('stg_history__customer_tags') }}

),

-- The values that fulfil the rule change within a period.
numbered as (

    select
        *,
        count(*) filter (where previous_to is null or previous_to < valid_from) over (
            partition by customer_id, tag_id, version order by valid_from
        ) as period
    from kept

),

periods as (

    select
        customer_id,
        tag_id,
        version,
        min(valid_from) as valid_from,
        (array_agg(valid_to order by valid_from desc))[1] as valid_to,
        (array_agg(reason order by valid_from asc))[1] as reason,
        (array_agg(reason order by valid_from desc))[1] as last_reason,
        (array_agg(expires_on order by valid_from desc))[1] as expires_on
    from numbered
    group by customer_id, tag_id, version, period

)

select
    customer_id,
    tag_id,
    version as tag_version,
    {{ tag_key('tag_id', 'version') }} as tag_key,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    reason,
    last_reason,
    expires_on
from periods
