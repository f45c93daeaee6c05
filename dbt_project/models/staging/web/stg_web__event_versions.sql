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
        lower({{ record_text('type') }}) as event_type,
        {{ record_text('event') }} as event_name,
        nullif(regexp_replace(trim(record -> 'context' -> 'page' ->> 'path'), '[?#].*$', ''), '') as page_path,
        nullif(trim(record -> 'context' -> 'campaign' ->> 'source'), '') as campaign_source,
        {{ record_text('userAgent', 'context') }} as user_agent,
        coalesce({{ record_time('timestamp') }}, {{ record_time('receivedAt') }}) as happened_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
