-- Grain: one row per known version of a call, its deletion included.
with

versions as (

    {{ record_versions('support', 'calls') }}

),

typed as (

    select
        record_id as call_id,
        {{ record_text('name', 'requester') }} as name,
        {{ record_text('email', 'requester') }} as email,
        {{ record_text('phone', 'requester') }} as phone,
        {{ record_text('order_number') }} as order_number,
        {{ record_text('channel') }} as channel,
        {{ record_text('direction') }} as direction,
        {{ record_text('summary') }} as summary,
        {{ record_language('language') }} as language,
        {{ record_time('started_at') }} as started_at,
        {{ record_whole_number('duration_seconds') }} as duration_seconds,
        {{ record_text('agent') }} as agent_id,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
