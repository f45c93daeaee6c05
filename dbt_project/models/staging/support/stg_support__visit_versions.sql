-- Grain: one row per known version of a visit, its deletion included.
with

versions as (

    {{ record_versions('support', 'visits') }}

),

typed as (

    select
        record_id as visit_id,
        {{ record_text('name', 'requester') }} as name,
        {{ record_text('email', 'requester') }} as email,
        {{ record_text('phone', 'requester') }} as phone,
        {{ record_text('company') }} as company_name,
        {{ record_text('order_number') }} as order_number,
        lower({{ record_text('purpose') }}) as purpose,
        {{ record_text('agent') }} as agent_id,
        {{ record_time('visited_at') }} as visited_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
