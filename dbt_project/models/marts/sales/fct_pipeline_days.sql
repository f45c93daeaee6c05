-- Grain: one row per source, currency, stage that is not closed, and calendar day, as the pipeline stood at the day's end.
-- Counts and amounts are additive over stages and sources, not over days.
{{ config(indexes=[{'columns': ['pipeline_date']}]) }}
with

versions as (

    -- Also those of opportunities that were deleted later: they stood there until then.
    select * from {{ ref('int_opportunity_versions__followed') }}
    where stage_group not in ('won', 'lost')

),

changes as (

    select
        source,
        currency,
        stage_name,
        told_date as pipeline_date,
        1 as count_opportunities,
        coalesce(amount, 0) as amount,
        coalesce(amount * probability, 0) as weighted_amount
    from versions
    union all
    select
        source,
        currency,
        stage_name,
        until_date as pipeline_date,
        -1 as count_opportunities,
        -coalesce(amount, 0) as amount,
        -coalesce(amount * probability, 0) as weighted_amount
    from versions
    where until_date is not null

),

daily_changes as (

    select
        source,
        currency,
        stage_name,
        pipeline_date,
        sum(count_opportunities) as count_opportunities,
        sum(amount) as amount,
        sum(weighted_amount) as weighted_amount
    from changes
    group by source, currency, stage_name, pipeline_date

),

stages as (

    select distinct
        source,
        currency,
        stage_name,
        stage_order,
        stage_group
    from versions

),

spans as (

    select
        source,
        currency,
        min(told_date) as first_date
    from versions
    group by source, currency

),

days as (

    select
        stages.*,
        cast(listed.pipeline_day as date) as pipeline_date
    from stages
    inner join spans
        on
            stages.source = spans.source
            and stages.currency = spans.currency
    cross join generate_series(spans.first_date, {{ as_of_date() }}, interval '1 day') as listed (pipeline_day)

),

summed as (

    select
        days.*,
        sum(changed.count_opportunities) over running as count_opportunities,
        sum(changed.amount) over running as amount,
        sum(changed.weighted_amount) over running as weighted_amount
    from days
    left join daily_changes as changed
        on
            days.source = changed.source
            and days.currency = changed.currency
            and days.stage_name = changed.stage_name
            and days.pipeline_date = changed.pipeline_date
    window running as (partition by days.source, days.currency, days.stage_name order by days.pipeline_date)

)

select
    cast(source as text) as source,
    currency,
    stage_name as stage,
    stage_order,
    stage_group,
    pipeline_date,
    cast(coalesce(count_opportunities, 0) as integer) as count_opportunities,
    cast(coalesce(amount, 0) as numeric(18, 2)) as amount,
    cast(coalesce(weighted_amount, 0) as numeric(18, 2)) as weighted_amount
from summed
