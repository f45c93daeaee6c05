-- Grain: one row per list and period that had begun by the night; later nights may be kept already.
select
    list_id,
    version,
    name_en,
    name_zh,
    readers,
    owner,
    priority,
    purpose,
    consent,
    is_capped,
    channels,
    model,
    rule,
    gain,
    cost,
    budget_amount,
    budget_per,
    status,
    rule_hash,
    valid_from,
    {{ ended_on('valid_to') }} as valid_to
from {{ source('history', 'lists') }}
where valid_from <= {{ as_of_date() }}
