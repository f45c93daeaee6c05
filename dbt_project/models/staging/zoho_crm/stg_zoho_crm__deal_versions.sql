-- Grain: one row per known version of a deal's record, its deletion included.
with

versions as (

    {{ record_versions('zoho_crm', 'deals') }}

),

typed as (

    select
        record_id as deal_id,
        {{ record_link('Account_Name') }} as account_id,
        {{ record_link('Contact_Name') }} as contact_id,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
