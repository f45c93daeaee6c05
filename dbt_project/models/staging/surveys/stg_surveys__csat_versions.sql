-- Grain: one row per known version of an answer to the satisfaction survey, its deletion included.
with

versions as (

    {{ record_versions('surveys', 'csat') }}

),

typed as (

    select
        record_id as response_id,
        {{ record_text('subject_id') }} as subject_id,
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
