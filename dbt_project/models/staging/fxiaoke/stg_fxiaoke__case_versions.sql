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
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
