-- Grain: one row per known version of a lead's record (LeadsObj), its deletion included.
with

versions as (

    {{ record_versions('fxiaoke', 'leads_obj') }}

),

typed as (

    select
        record_id as lead_id,
        {{ record_text('name') }} as name,
        {{ record_text('email') }} as email,
        {{ record_texts(['mobile', 'tel']) }} as phones,
        {{ record_text('address') }} as street,
        {{ record_text('company') }} as company_name,
        {{ record_text('job_title') }} as job_title,
        nullif(trim(record -> 'owner' ->> 0), '') as owner_id,
        {{ record_text('leads_status') }} as lead_status,
        {{ record_text('source') }} as lead_source,
        {{ record_epoch('create_time') }} as created_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
