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
        {{ record_text('Website') }} as website,
        {{ record_text('Registration_Number') }} as registration_number,
        {{ record_text('Billing_Street') }} as street,
        {{ record_text('Billing_City') }} as city,
        {{ record_text('Billing_Code') }} as postcode,
        {{ record_text('Billing_Country') }} as country,
        {{ record_text('Industry') }} as industry,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
