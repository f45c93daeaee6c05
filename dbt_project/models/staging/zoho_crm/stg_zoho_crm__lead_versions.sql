-- Grain: one row per known version of a lead's record, its deletion included.
with

versions as (

    {{ record_versions('zoho_crm', 'leads') }}

),

typed as (

    select
        record_id as lead_id,
        {{ record_text('Company') }} as company_name,
        {{ record_text('First_Name') }} as first_name,
        {{ record_text('Last_Name') }} as last_name,
        {{ record_text('Full_Name') }} as full_name,
        {{ record_text('Email') }} as email,
        {{ record_text('Secondary_Email') }} as secondary_email,
        {{ record_text('Phone') }} as phone,
        {{ record_text('Mobile') }} as mobile,
        {{ record_text('Street') }} as street,
        {{ record_text('City') }} as city,
        {{ record_text('Zip_Code') }} as postcode,
        {{ record_text('Country') }} as country,
        {{ record_text('Designation') }} as job_title,
        {{ record_link('Owner') }} as owner_id,
        {{ record_text('Lead_Status') }} as lead_status,
        {{ record_text('Lead_Source') }} as lead_source,
        {{ record_time('Created_Time') }} as created_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
