-- Grain: one row per source and stage that an opportunity was ever in.
with

periods as (

    select * from {{ ref('fct_opportunity_stages') }}

),

opportunities as (

    select * from {{ ref('fct_opportunities') }}

),

stages as (

    select * from {{ ref('opportunity_stages') }}

),

counted as (

    -- An opportunity that came back to a stage entered it once.
    select
        periods.source,
        periods.stage,
        periods.stage_group,
        count(distinct periods.opportunity_id) as count_entered,
        count(distinct periods.opportunity_id) filter (where opportunities.stage_group = 'won') as count_won,
        count(distinct periods.opportunity_id) filter (where opportunities.stage_group = 'lost') as count_lost,
        percentile_cont(0.5) within group (order by periods.days_in_stage)
        filter (where not periods.is_current) as median_days
    from periods
    inner join opportunities on periods.opportunity_id = opportunities.opportunity_id
    group by periods.source, periods.stage, periods.stage_group

)

select
    counted.source,
    counted.stage,
    stages.stage_order,
    counted.stage_group,
    cast(counted.count_entered as integer) as count_entered,
    cast(counted.count_won as integer) as count_won,
    cast(counted.count_lost as integer) as count_lost,
    cast(
        cast(counted.count_won as numeric) / nullif(counted.count_won + counted.count_lost, 0) as numeric(5, 4)
    ) as conversion_share,
    cast(counted.median_days as numeric(8, 1)) as median_days
from counted
left join stages
    on
        counted.source = stages.source
        and counted.stage = stages.stage
