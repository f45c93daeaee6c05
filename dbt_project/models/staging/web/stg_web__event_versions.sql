-- Grain: one row per known version of an event of the web tracker, its deletion included.
with

versions as (

    {{ record_versions('web', 'events') }}

),

typed as (

    select
        record_id as event_id,
        {{ record_text('anonymousId') }} as device_id,
        {{ record_text('userId') }} as account_id,
        {{ record_text('email', 'traits') }} as email,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
