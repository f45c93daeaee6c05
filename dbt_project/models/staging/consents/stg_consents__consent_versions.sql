-- Grain: one row per known version of a consent, its deletion included.
with

versions as (

    {{ record_versions('consents', 'consents') }}

),

typed as (

    select
        record_id as consent_id,
        {{ record_text('account_id') }} as account_id,
        {{ record_text('email') }} as email,
        {{ record_text('phone') }} as phone,
        lower({{ record_text('channel') }}) as channel,
        lower({{ record_text('purpose') }}) as purpose,
        lower({{ record_text('status') }}) as status,
        lower({{ record_text('source') }}) as consent_source,
        {{ record_time('recorded_at') }} as recorded_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
