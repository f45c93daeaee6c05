-- Grain: one row per night and kind whose graph is known.
select
    as_of_date,
    kind,
    model_version,
    settings_hash,
    run_id,
    is_full,
    counts
from {{ source('identity', 'nights') }}
