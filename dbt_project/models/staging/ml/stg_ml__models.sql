-- Grain: one row per question and model that a night up to this one taught.
select
    question,
    model_version,
    as_of_date as trained_as_of,
    calibration,
    sha256
from {{ source('ml', 'models') }}
where as_of_date <= {{ as_of_date() }}
