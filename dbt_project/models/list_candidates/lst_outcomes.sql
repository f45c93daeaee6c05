-- Grain: one row per outcome that the source still has, and, where it does not count, why. Nothing is dropped.
with

outcomes as (

    {{ current_records(ref('stg_lists__outcome_versions'), 'outcome_id') }}

),

codes as (

    select * from {{ ref('list_outcome_codes') }}

)

select
    outcomes.outcome_id,
    outcomes.list_key,
    keys.list_id,
    keys.customer_id,
    keys.occasion,
    case when outcomes.channel is null then keys.channel else coalesce(channels.channel, 'other') end as channel,
    outcomes.outcome_code,
    outcomes.note_code,
    outcomes.contacted_at,
    {{ reporting_date('outcomes.contacted_at') }} as contacted_date,
    coalesce(codes.is_contact, false) as is_contact,
    coalesce(codes.is_final, false) as is_final,
    outcomes.load_id,
    outcomes.row_number,
    case
        when outcomes.list_key is null then 'no_key'
        when keys.list_key is null then 'unknown_key'
        when codes.outcome_code is null then 'unknown_code'
        when outcomes.contacted_at is null then 'undated'
        when outcomes.contacted_at >= {{ as_of_end() }} then 'dated_after_night'
    end as exclusion_reason
from outcomes
left join {{ ref('lst_keys') }} as keys on outcomes.list_key = keys.list_key
left join {{ ref('channels') }} as channels on outcomes.channel = channels.channel
left join codes on outcomes.outcome_code = codes.outcome_code
