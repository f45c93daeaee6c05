-- Grain: one row per opportunity not closed and first of a month on which it stood, with the probability of its stage as all
-- that had happened before that day tells it. What happened on the day or later has no say.
with

versions as (

    select * from {{ ref('int_opportunity_versions__followed') }}

),

months as (

    select cast(listed.month_start as date) as forecast_date
    from (select min(told_date) as first_date from versions) as spans
    cross join generate_series(
        date_trunc('month', cast(spans.first_date as timestamp)) + interval '1 month',
        cast({{ as_of_date() }} as timestamp),
        interval '1 month'
    ) as listed (month_start)

),

entries as (

    select
        source,
        opportunity_id,
        stage_name,
        min(told_date) as entered_date
    from versions
    where stage_group not in ('won', 'lost')
    group by source, opportunity_id, stage_name

),

outcomes as (

    -- From when to when an opportunity that had been in the stage counted as won or lost.
    select
        entries.source,
        entries.stage_name,
        versions.stage_group,
        greatest(entries.entered_date, versions.told_date) as from_date,
        versions.until_date
    from entries
    inner join versions on entries.opportunity_id = versions.opportunity_id
    where
        versions.stage_group in ('won', 'lost')
        and (versions.until_date is null or versions.until_date > entries.entered_date)

),

changes as (

    select
        source,
        stage_name,
        stage_group,
        from_date as changed_date,
        1 as difference
    from outcomes
    union all
    select
        source,
        stage_name,
        stage_group,
        until_date as changed_date,
        -1 as difference
    from outcomes
    where until_date is not null

),

daily_changes as (

    select
        source,
        stage_name,
        changed_date,
        coalesce(sum(difference) filter (where stage_group = 'won'), 0) as count_won,
        sum(difference) as count_closed
    from changes
    group by source, stage_name, changed_date

),

history as (

    select
        months.forecast_date,
        daily_changes.source,
        daily_changes.stage_name,
        sum(daily_changes.count_won) as count_won,
        sum(daily_changes.count_closed) as count_closed
    from months
    inner join daily_changes on months.forecast_date > daily_changes.changed_date
    group by months.forecast_date, daily_changes.source, daily_changes.stage_name

)

select
    months.forecast_date,
    versions.opportunity_id,
    versions.source,
    versions.stage_name,
    versions.amount,
    versions.currency,
    versions.expected_close_date,
    coalesce(history.count_won, 0) as count_won_before,
    coalesce(history.count_closed, 0) as count_closed_before,
    -- Add-one smoothing: a stage without a past wins one in two.
    (coalesce(history.count_won, 0) + 1) / (coalesce(history.count_closed, 0) + 2) as probability
from versions
inner join months
    on
        versions.told_date < months.forecast_date
        and (versions.until_date is null or versions.until_date >= months.forecast_date)
left join history
    on
        months.forecast_date = history.forecast_date
        and versions.source = history.source
        and versions.stage_name = history.stage_name
where versions.stage_group not in ('won', 'lost')
