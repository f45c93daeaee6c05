-- Grain: one row per model fitted on the night.
with

fits as (

    select
        *,
        coalesce(trained_as_of, as_of_date) as taught_by
    from {{ ref('stg_ml__fits') }}

),

models as (

    select * from {{ ref('stg_ml__models') }}

)

select
    fits.as_of_date,
    fits.model,
    fits.model_version,
    fits.method,
    fits.is_fallback,
    fits.note,
    cast(fits.count_customers as integer) as count_customers,
    cast(fits.parameters as text) as parameters,
    cast(fits.metrics as text) as metrics,
    fits.taught_by as trained_as_of,
    fits.as_of_date - fits.taught_by as model_age_days,
    fits.training_failure is not null
    or fits.as_of_date - fits.taught_by > {{ var('model_stale_days') }} as is_stale,
    fits.training_failure,
    cast(models.calibration as text) as calibration,
    models.sha256 as model_sha256
from fits
left join models
    on
        fits.model = models.question
        and fits.model_version = models.model_version
