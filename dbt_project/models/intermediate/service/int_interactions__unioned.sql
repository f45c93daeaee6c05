-- Grain: one row per contact with a customer that a source still has, as its newest known version tells it.
-- Nothing is dropped here but what the source deleted. The CRMs' cases tell of no contact of their own.
with

requests as (

    select * from {{ ref('int_service_requests__unioned') }}
    where request_type <> 'case'

),

calls as (

    {{ current_records(ref('stg_support__call_versions'), 'call_id') }}

),

visits as (

    {{ current_records(ref('stg_support__visit_versions'), 'visit_id') }}

),

activities as (

    {{ current_records(ref('stg_fxiaoke__activity_versions'), 'activity_id') }}

),

people as (

    select
        record_key,
        customer_id
    from {{ ref('stg_identity__assignments') }}
    where kind = 'person'

),

channels as (

    select * from {{ ref('activity_channels') }}
    where source = 'fxiaoke'

),

told as (

    select
        request_id as interaction_id,
        source,
        channel,
        'inbound' as direction,
        case request_type when 'complaint' then 'complaint' else 'service' end as purpose,
        agent_id,
        order_number,
        opened_at as started_at,
        cast(null as integer) as duration_seconds
    from requests
    union all
    select
        'support.calls:' || call_id as interaction_id,
        'support' as source,
        'phone' as channel,
        case when lower(direction) in ('inbound', 'outbound') then lower(direction) end as direction,
        'service' as purpose,
        agent_id,
        order_number,
        started_at,
        case when duration_seconds >= 0 then duration_seconds end as duration_seconds
    from calls
    union all
    select
        'support.visits:' || visit_id as interaction_id,
        'support' as source,
        'visit' as channel,
        'outbound' as direction,
        case
            when purpose in ('follow-up', 'follow up', 'follow_up') then 'follow_up'
            when purpose in ('care', 'sales', 'service', 'complaint') then purpose
            when purpose is not null then 'other'
        end as purpose,
        agent_id,
        order_number,
        visited_at as started_at,
        cast(null as integer) as duration_seconds
    from visits
    union all
    select
        'fxiaoke.ActiveRecordObj:' || activities.activity_id as interaction_id,
        'fxiaoke' as source,
        coalesce(channels.channel, 'other') as channel,
        'outbound' as direction,
        'sales' as purpose,
        activities.owner_id as agent_id,
        cast(null as text) as order_number,
        activities.created_at as started_at,
        cast(null as integer) as duration_seconds
    from activities
    left join channels on activities.activity_type = channels.activity_type

)

select
    told.*,
    people.customer_id,
    case when told.started_at >= {{ as_of_end() }} then 'started_after_night' end as exclusion_reason
from told
left join people on told.interaction_id = people.record_key
