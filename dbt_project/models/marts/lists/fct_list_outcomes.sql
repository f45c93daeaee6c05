-- Grain: one row per outcome of a row of a list. Those that cannot count are in rpt_list_quarantine.
select
    outcome_id,
    list_key,
    list_id,
    customer_id,
    occasion,
    channel,
    outcome_code,
    note_code,
    contacted_at,
    contacted_date,
    is_contact,
    is_final
from {{ ref('lst_outcomes') }}
where exclusion_reason is null
