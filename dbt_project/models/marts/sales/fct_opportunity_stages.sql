-- Grain: one row per opportunity that the CRMs have on the night and uninterrupted time in one stage.
with

versions as (

    select * from {{ ref('int_opportunity_versions__followed') }}
    where not is_gone

),

periods as (

    select
        source,
        opportunity_id,
        stage_number,
        min(stage_name) as stage,
        min(stage_group) as stage_group,
        min(told_at) as entered_at,
        case when min(recency) > 1 then max(until_at) end as left_at,
        (array_agg(amount order by told_at desc))[1] as amount,
        (array_agg(currency order by told_at desc))[1] as currency
    from versions
    group by source, opportunity_id, stage_number

),

followed as (

    select
        *,
        lead(stage) over (partition by opportunity_id order by stage_number) as next_stage
    from periods

)

select
    opportunity_id,
    cast(stage_number as integer) as stage_number,
    cast(source as text) as source,
    stage,
    stage_group,
    entered_at,
    left_at,
    greatest(
        coalesce({{ reporting_date('left_at') }}, {{ as_of_date() }}) - {{ reporting_date('entered_at') }},
        0
    ) as days_in_stage,
    cast(amount as numeric(16, 2)) as amount,
    currency,
    next_stage,
    left_at is null as is_current
from followed
