-- Grain: one row per night, gate, table and check.
with

results as (

    select * from {{ ref('stg_ops__quality_results') }}

)

select
    as_of_date,
    gate,
    table_name,
    expectation,
    severity,
    case
        when is_passed then 'passed'
        when severity = 'block' then 'blocked'
        when severity = 'quarantine' then 'quarantined'
        else 'warned'
    end as outcome,
    reason,
    count_evaluated,
    count_unexpected,
    observed_value
from results
