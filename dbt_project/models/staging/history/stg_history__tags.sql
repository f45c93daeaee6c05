-- Grain: one row per tag and period that had begun by the night; later nights may be kept already.
select
    tag_id,
    version,
    name_en,
    name_zh,
    kind,
    owner,
    rule,
    model,
    valid_days,
    expires_on,
    replaces,
    status,
    valid_from,
    {{ ended_on('valid_to') }} as valid_to
from {{ source('history', 'tags') }}
where valid_from <= {{ as_of_date() }}
