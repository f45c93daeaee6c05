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
        lower({{ record_text('kind') }}) as kind,
        upper({{ record_text('product_code') }}) as product_id,
        {{ record_text('text') }} as text,
        {{ record_language('language') }} as language,
        {{ record_number('rating') }} as rating,
        {{ record_whole_number('likes') }} as count_likes,
        {{ record_time('posted_at') }} as posted_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
