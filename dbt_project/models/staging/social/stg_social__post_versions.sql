-- Grain: one row per known version of a post or review, its deletion included.
with

versions as (

    {{ record_versions('social', 'posts') }}

),

typed as (

    select
        record_id as post_id,
        {{ record_text('platform') }} as platform,
        {{ record_text('handle') }} as handle,
        {{ record_text('display_name') }} as display_name,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
