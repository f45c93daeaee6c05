-- Grain: one row per opportunity and moment from which it stood as the row says, until the next one or its deletion.
with

versions as (

    select * from {{ ref('int_opportunity_versions__classified') }}
    where exclusion_reason is null

),

followed as (

    select
        *,
        coalesce(lead(told_at) over (partition by opportunity_id order by told_at), deleted_at) as until_at,
        lag(stage_name) over (partition by opportunity_id order by told_at) as previous_stage_name,
        lag(stage_group) over (partition by opportunity_id order by told_at) as previous_stage_group,
        min(told_at) over (partition by opportunity_id) as first_told_at,
        row_number() over (partition by opportunity_id order by told_at desc) as recency
    from versions

),

numbered as (

    select
        *,
        count(*) filter (where stage_name is distinct from previous_stage_name) over (
            partition by opportunity_id
            order by told_at
        ) as stage_number,
        count(*) filter (where stage_group is distinct from previous_stage_group) over (
            partition by opportunity_id
            order by told_at
        ) as group_number
    from followed

)

select
    source,
    opportunity_id,
    company_id,
    customer_id,
    owner_id,
    stage,
    stage_name,
    stage_order,
    stage_group,
    stage_problem,
    probability,
    amount,
    currency,
    expected_close_date,
    -- A record made after it was first changed has a wrong clock.
    least(created_at, first_told_at) as opened_at,
    told_at,
    until_at,
    {{ reporting_date('told_at') }} as told_date,
    {{ reporting_date('until_at') }} as until_date,
    min(told_at) over (partition by opportunity_id, stage_number) as stage_since_at,
    min(told_at) over (partition by opportunity_id, group_number) as group_since_at,
    stage_number,
    recency,
    is_gone
from numbered
