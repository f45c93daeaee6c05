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
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
