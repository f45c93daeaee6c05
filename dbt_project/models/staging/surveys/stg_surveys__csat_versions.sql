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
        {{ record_text('score') }} as score_raw,
        {{ record_number('score') }} as score,
        {{ record_text('comment') }} as comment,
        {{ record_language('language') }} as language,
        {{ record_time('sent_at') }} as sent_at,
        {{ record_time('answered_at') }} as answered_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
