-- Grain: one row per ticket, chat, complaint, call or CRM case known on the night: who said what, and when.
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

calls as (

    {{ current_records(ref('stg_support__call_versions'), 'call_id') }}

),

zoho_cases as (

    {{ current_records(ref('stg_zoho_crm__case_versions'), 'case_id') }}

),

fxiaoke_cases as (

    {{ current_records(ref('stg_fxiaoke__case_versions'), 'case_id') }}

),

customers as (

    select
        record_key,
        customer_id
    from {{ ref('stg_identity__assignments') }}
    where kind = 'person'

),

told as (

    select
        'support.tickets:' || ticket_id as voice_id,
        'ticket' as voice_type,
        ticket_id as desk_number,
        channel,
        order_number,
        -- A heading is what is left where the body is empty.
        coalesce(body, subject) as text,
        language,
        coalesce(opened_at, changed_at) as occurred_at
    from tickets
    union all
    select
        'support.chats:' || chat_id as voice_id,
        'chat' as voice_type,
        chat_id as desk_number,
        channel,
        order_number,
        coalesce(body, subject) as text,
        language,
        coalesce(opened_at, changed_at) as occurred_at
    from chats
    union all
    select
        'support.complaints:' || complaint_id as voice_id,
        'complaint' as voice_type,
        complaint_id as desk_number,
        channel,
        order_number,
        coalesce(body, subject) as text,
        language,
        coalesce(opened_at, changed_at) as occurred_at
    from complaints
    union all
    -- A call that the desk makes is a call-back: nobody is called unasked.
    select
        'support.calls:' || call_id as voice_id,
        case lower(direction) when 'outbound' then 'call_back' else 'call' end as voice_type,
        call_id as desk_number,
        channel,
        order_number,
        summary as text,
        language,
        coalesce(started_at, changed_at) as occurred_at
    from calls
    union all
    select
        'zoho_crm.Cases:' || case_id as voice_id,
        'case' as voice_type,
        null as desk_number,
        origin as channel,
        order_number,
        coalesce(description, subject) as text,
        null as language,
        coalesce(created_at, changed_at) as occurred_at
    from zoho_cases
    union all
    select
        'fxiaoke.CasesObj:' || case_id as voice_id,
        'case' as voice_type,
        null as desk_number,
        null as channel,
        order_number,
        coalesce(description, subject) as text,
        null as language,
        coalesce(created_at, changed_at) as occurred_at
    from fxiaoke_cases

),

voices as (

    select
        told.voice_id,
        told.voice_type,
        told.desk_number,
        coalesce(lower(told.channel), 'unknown') as channel,
        customers.customer_id,
        upper(told.order_number) as order_number,
        told.text,
        told.language,
        told.occurred_at
    from told
    left join customers on told.voice_id = customers.record_key
    -- What tells of a time after the night is not known yet, whatever its file says.
    where (told.occurred_at >= {{ as_of_end() }}) is not true

)

select * from voices
