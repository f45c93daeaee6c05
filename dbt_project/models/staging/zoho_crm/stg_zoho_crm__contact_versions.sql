-- Grain: one row per known version of a contact's record, its deletion included.
with

versions as (

    {{ record_versions('zoho_crm', 'contacts') }}

),

typed as (

    select
        record_id as contact_id,
        {{ record_link('Account_Name') }} as account_id,
        {{ record_text('name', 'Account_Name') }} as account_name,
        {{ record_text('First_Name') }} as first_name,
        {{ record_text('Last_Name') }} as last_name,
        {{ record_text('Full_Name') }} as full_name,
        {{ record_text('Email') }} as email,
        {{ record_text('Secondary_Email') }} as secondary_email,
        {{ record_text('Phone') }} as phone,
        {{ record_text('Mobile') }} as mobile,
        {{ record_text('Home_Phone') }} as home_phone,
        {{ record_text('Other_Phone') }} as other_phone,
        {{ record_text('Date_of_Birth') }} as birth_date,
        {{ record_text('Mailing_Street') }} as street,
        {{ record_text('Mailing_City') }} as city,
        {{ record_text('Mailing_Zip') }} as postcode,
        {{ record_text('Mailing_Country') }} as country,
        {{ record_text('Title') }} as job_title,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
