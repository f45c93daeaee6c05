-- Grain: one row per list, customer, occasion and period that had begun by the night; later nights may be kept already.
select
    list_id,
    customer_id,
    occasion,
    list_key,
    version,
    status,
    priority,
    channel,
    since_date,
    valid_until,
    expected_gain,
    cost,
    reason_en,
    reason_zh,
    talking_points_en,
    talking_points_zh,
    features,
    model_version,
    valid_from,
    {{ ended_on('valid_to') }} as valid_to
from {{ source('history', 'list_candidates') }}
where valid_from <= {{ as_of_date() }}
