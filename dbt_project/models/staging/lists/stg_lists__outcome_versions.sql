-- Grain: one row per known version of an outcome, its deletion included.
with

versions as (

    {{ record_versions('lists', 'outcomes') }}

),

typed as (

    select
        record_id as outcome_id,
        {{ record_text('list_key') }} as list_key,
        lower({{ record_text('channel') }}) as channel,
        lower({{ record_text('outcome') }}) as outcome_code,
        lower({{ record_text('note_code') }}) as note_code,
        {{ record_time('contacted_at') }} as contacted_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
