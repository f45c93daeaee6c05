-- Grain: one row per outcome of lists that cannot count, with the reason. What the note says is a code; values stay in raw.
select
    outcome_id,
    load_id,
    row_number,
    list_key,
    exclusion_reason,
    case exclusion_reason
        when 'no_key' then 'The outcome names no row of a list'
        when 'unknown_key' then 'No list told a row with this key before the night'
        when 'unknown_code' then 'The outcome''s code is not in the seed list_outcome_codes'
        when 'undated' then 'The time of the contact cannot be read'
        when 'dated_after_night' then 'The contact lies after the night'
    end as reason
from {{ ref('lst_outcomes') }}
where exclusion_reason is not null
