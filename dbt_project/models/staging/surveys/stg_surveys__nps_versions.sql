-- Grain: one row per known version of an answer to the recommendation survey, its deletion included.
with

versions as (

    {{ record_versions('surveys', 'nps') }}

),

typed as (

    select
        record_id as response_id,
        {{ record_text('order_number') }} as order_number,
        {{ record_text('name') }} as name,
        {{ record_text('email') }} as email,
        {{ record_text('phone') }} as phone,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
