-- Grain: one row per time that somebody asked a customer how it went: calls out and satisfaction surveys sent.
with

calls as (

    {{ current_records(ref('stg_support__call_versions'), 'call_id') }}

),

surveys as (

    {{ current_records(ref('stg_surveys__csat_versions'), 'response_id') }}

),

people as (

    select
        record_key,
        customer_id
    from {{ ref('stg_identity__assignments') }}
    where kind = 'person'

),

told as (

    select
        'support.calls:' || call_id as follow_up_id,
        'call_back' as follow_up_type,
        cast(null as text) as subject_id,
        started_at as followed_up_at
    from calls
    where lower(direction) = 'outbound'
    union all
    select
        'surveys.csat:' || response_id as follow_up_id,
        'survey' as follow_up_type,
        subject_id,
        coalesce(sent_at, answered_at) as followed_up_at
    from surveys

)

select
    told.*,
    people.customer_id
from told
left join people on told.follow_up_id = people.record_key
where told.followed_up_at < {{ as_of_end() }}
