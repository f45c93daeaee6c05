-- Grain: one row per night, gate, table and check, up to the night: what the newest run of that night found.
-- Tonight's scores are checked after tonight's marts are built; they are known here from the next night on.
with

results as (

    select distinct on (runs.as_of_date, results.gate, results.table_name, results.expectation)
        runs.as_of_date,
        results.gate,
        results.table_name,
        results.expectation,
        results.severity,
        results.is_passed,
        results.reason,
        results.count_evaluated,
        results.count_unexpected,
        results.observed_value
    from {{ source('ops', 'quality_results') }} as results
    inner join {{ source('ops', 'runs') }} as runs on results.run_id = runs.run_id
    where runs.as_of_date <= {{ as_of_date() }}
    order by
        runs.as_of_date asc,
        results.gate asc,
        results.table_name asc,
        results.expectation asc,
        results.run_id desc

)

select *
from results
where
    gate <> 'scores'
    or as_of_date < {{ as_of_date() }}
