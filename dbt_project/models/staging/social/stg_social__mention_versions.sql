-- Grain: one row per known version of a mention of a brand, its deletion included.
with

versions as (

    {{ record_versions('social', 'mentions') }}

),

typed as (

    select
        record_id as mention_id,
        {{ record_text('platform') }} as platform,
        {{ record_text('handle') }} as handle,
        {{ record_text('brand') }} as brand,
        {{ record_text('category') }} as category,
        {{ record_text('text') }} as text,
        {{ record_language('language') }} as language,
        {{ record_time('mentioned_at') }} as mentioned_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
