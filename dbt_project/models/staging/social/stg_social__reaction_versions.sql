-- Grain: one row per known version of a reaction to a post, its deletion included.
with

versions as (

    {{ record_versions('social', 'reactions') }}

),

typed as (

    select
        record_id as reaction_id,
        {{ record_text('post_id') }} as post_id,
        {{ record_text('handle') }} as handle,
        {{ record_text('kind') }} as kind,
        {{ record_time('reacted_at') }} as reacted_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
