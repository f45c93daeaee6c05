-- Grain: one row per request for service that a source still has, as its newest known version tells it.
-- Nothing is dropped here but what the source deleted.
with

tickets as (

    {{ current_records(ref('stg_support__ticket_versions'), 'ticket_id') }}

),

chats as (

    {{ current_records(ref('stg_support__chat_versions'), 'chat_id') }}

),

complaints as (

    {{ current_records(ref('stg_support__complaint_versions'), 'complaint_id') }}

),

zoho_cases as (

    {{ current_records(ref('stg_zoho_crm__case_versions'), 'case_id') }}

),

fxiaoke_cases as (

    {{ current_records(ref('stg_fxiaoke__case_versions'), 'case_id') }}

),

people as (

    select
        record_key,
        customer_id
    from {{ ref('stg_identity__assignments') }}
    where kind = 'person'

),

told as (

    {% for relation, entity, request_type, id, priority in [
        ('tickets', 'tickets', 'ticket', 'ticket_id', 'cast(null as text)'),
        ('chats', 'chats', 'chat', 'chat_id', 'cast(null as text)'),
        ('complaints', 'complaints', 'complaint', 'complaint_id', 'severity'),
    ] %}
        select
            'support.{{ entity }}:' || {{ id }} as request_id,
            'support' as source,
            {{ id }} as record_id,
            '{{ request_type }}' as request_type,
            channel as source_channel,
            {{ priority }} as source_priority,
            status as source_status,
            status_history,
            order_number,
            agent_id,
            opened_at,
            first_response_at,
            resolved_at,
            changed_at
        from {{ relation }}
        union all
    {% endfor %}
    select
        'zoho_crm.Cases:' || case_id as request_id,
        'zoho_crm' as source,
        case_id as record_id,
        'case' as request_type,
        origin as source_channel,
        priority as source_priority,
        status as source_status,
        cast(null as jsonb) as status_history,
        order_number,
        owner_id as agent_id,
        created_at as opened_at,
        cast(null as timestamptz) as first_response_at,
        cast(null as timestamptz) as resolved_at,
        changed_at
    from zoho_cases
    union all
    select
        'fxiaoke.CasesObj:' || case_id as request_id,
        'fxiaoke' as source,
        case_id as record_id,
        'case' as request_type,
        cast(null as text) as source_channel,
        priority as source_priority,
        status as source_status,
        cast(null as jsonb) as status_history,
        order_number,
        owner_id as agent_id,
        created_at as opened_at,
        cast(null as timestamptz) as first_response_at,
        cast(null as timestamptz) as resolved_at,
        changed_at
    from fxiaoke_cases

)

select
    told.*,
    people.customer_id,
    {{ service_channel('told.source_channel') }} as channel,
    case
        when told.source_priority is null then null
        when told.source_priority in ('low', 'medium', 'high', 'urgent') then told.source_priority
        when told.source_priority = 'normal' then 'medium'
        else 'other'
    end as priority,
    -- A source that is read after midnight tells of what the night must not know.
    case when told.opened_at >= {{ as_of_end() }} then 'opened_after_night' end as exclusion_reason
from told
left join people on told.request_id = people.record_key
