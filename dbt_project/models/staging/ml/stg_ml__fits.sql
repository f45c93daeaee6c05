-- Grain: one row per model fitted on the night.
select
    as_of_date,
    model,
    model_version,
    method,
    is_fallback,
    note,
    count_customers,
    parameters,
    metrics,
    trained_as_of,
    training_failure
from {{ source('ml', 'fits') }}
where as_of_date = {{ as_of_date() }}
