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
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
