-- Grain: one row per known version of a service case's record (CasesObj), its deletion included.
with

versions as (

    {{ record_versions('fxiaoke', 'cases_obj') }}

),

typed as (

    select
        record_id as case_id,
        {{ record_text('contact_id') }} as contact_id,
        {{ record_text('order_no') }} as order_number,
        {{ record_text('subject') }} as subject,
        {{ record_text('problem_description') }} as description,
        {{ record_text('case_status') }} as status,
        lower({{ record_text('priority') }}) as priority,
        {{ record_first('owner') }} as owner_id,
        {{ record_epoch('create_time') }} as created_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
