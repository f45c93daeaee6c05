-- Grain: one row per known version of a chat, its deletion included.
with

versions as (

    {{ record_versions('support', 'chats') }}

),

typed as (

    select
        record_id as chat_id,
        {{ record_text('name', 'requester') }} as name,
        {{ record_text('email', 'requester') }} as email,
        {{ record_text('phone', 'requester') }} as phone,
        {{ record_text('order_number') }} as order_number,
        {{ record_text('channel') }} as channel,
        {{ record_text('subject') }} as subject,
        {{ record_text('body') }} as body,
        {{ record_language('language') }} as language,
        {{ record_time('opened_at') }} as opened_at,
        {{ record_time('first_response_at') }} as first_response_at,
        {{ record_time('resolved_at') }} as resolved_at,
        {{ record_text('agent') }} as agent_id,
        lower({{ record_text('status') }}) as status,
        {{ record_list('status_history') }} as status_history,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
