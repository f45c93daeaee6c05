-- Grain: one row per known version of a sales activity's record (ActiveRecordObj), its deletion included.
with

versions as (

    {{ record_versions('fxiaoke', 'active_record_obj') }}

),

typed as (

    select
        record_id as activity_id,
        {{ record_text('related_object') }} as related_object,
        {{ record_text('related_object_data') }} as related_id,
        {{ record_text('active_record_type') }} as activity_type,
        {{ record_first('owner') }} as owner_id,
        {{ record_epoch('create_time') }} as created_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
