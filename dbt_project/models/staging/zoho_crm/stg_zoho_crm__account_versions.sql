-- Grain: one row per known version of an account's record, its deletion included.
with

versions as (

    {{ record_versions('zoho_crm', 'accounts') }}

),

typed as (

    select
        record_id as account_id,
        {{ record_text('Account_Name') }} as account_name,
        {{ record_text('Phone') }} as phone,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
