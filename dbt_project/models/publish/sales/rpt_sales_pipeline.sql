-- Grain: one row per source, currency and stage that an open opportunity has been in up to the night
with

pipeline as (

    select * from {{ ref('fct_pipeline_days') }}
    where pipeline_date = {{ as_of_date() }}

),

comparison as (

    select * from {{ ref('fct_pipeline_days') }}
    where pipeline_date = {{ as_of_date() }} - {{ var('comparison_days') }}

),

conversions as (

    select * from {{ ref('fct_stage_conversions') }}

),

ages as (

    select
        source,
        currency,
        stage,
        percentile_cont(0.5) within group (order by age_days) as median_age_days,
        max(age_days) as max_age_days,
        count(*) filter (where expected_close_date < {{ as_of_date() }}) as count_overdue
    from {{ ref('fct_opportunities') }}
    where is_open
    group by source, currency, stage

)

select
    pipeline.source,
    pipeline.currency,
    pipeline.stage,
    pipeline.stage_order,
    pipeline.count_opportunities,
    pipeline.amount,
    pipeline.weighted_amount,
    coalesce(comparison.count_opportunities, 0) as previous_count_opportunities,
    coalesce(comparison.amount, 0) as previous_amount,
    conversions.conversion_share,
    conversions.median_days,
    ages.median_age_days,
    ages.max_age_days,
    cast(coalesce(ages.count_overdue, 0) as integer) as count_overdue,
    {{ as_of_date() }} as as_of_date
from pipeline
left join comparison
    on
        pipeline.source = comparison.source
        and pipeline.currency = comparison.currency
        and pipeline.stage = comparison.stage
left join conversions
    on
        pipeline.source = conversions.source
        and pipeline.stage = conversions.stage
left join ages
    on
        pipeline.source = ages.source
        and pipeline.currency = ages.currency
        and pipeline.stage = ages.stage
