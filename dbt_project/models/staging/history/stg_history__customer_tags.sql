-- Grain: one row per customer, tag and period that had begun by the night; later nights may be kept already.
select
    customer_id,
    tag_id,
    version,
    reason,
    expires_on,
    valid_from,
    {{ ended_on('valid_to') }} as valid_to
from {{ source('history', 'customer_tags') }}
where valid_from <= {{ as_of_date() }}
