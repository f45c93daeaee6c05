-- Grain: one row per known version of a contact's record, its deletion included.
with

versions as (

    {{ record_versions('zoho_crm', 'contacts') }}

),

typed as (

    select
        record_id as contact_id,
        {{ record_link('Account_Name') }} as account_id,
        {{ record_text('First_Name') }} as first_name,
        {{ record_text('Last_Name') }} as last_name,
        {{ record_text('Full_Name') }} as full_name,
        {{ record_text('Email') }} as email,
        {{ record_text('Phone') }} as phone,
        {{ record_text('Mobile') }} as mobile,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
