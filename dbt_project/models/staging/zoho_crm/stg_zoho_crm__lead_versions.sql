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
        {{ record_text('Phone') }} as phone,
        {{ record_text('Mobile') }} as mobile,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
