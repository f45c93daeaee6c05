-- Grain: one row per model fitted on the night.
select
    as_of_date,
    model,
    model_version,
    method,
    is_fallback,
    note,
    cast(count_customers as integer) as count_customers,
    cast(parameters as text) as parameters,
    cast(metrics as text) as metrics
from {{ ref('stg_ml__fits') }}
