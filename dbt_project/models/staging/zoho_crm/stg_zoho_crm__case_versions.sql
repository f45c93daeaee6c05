-- Grain: one row per known version of a case's record, its deletion included.
with

versions as (

    {{ record_versions('zoho_crm', 'cases') }}

),

typed as (

    select
        record_id as case_id,
        {{ record_link('Account_Name') }} as account_id,
        coalesce({{ record_link('Contact_Name') }}, {{ record_link('Related_To') }}) as contact_id,
        {{ record_text('Order_Number') }} as order_number,
        {{ record_text('Subject') }} as subject,
        {{ record_text('Description') }} as description,
        lower({{ record_text('Status') }}) as status,
        lower({{ record_text('Case_Origin') }}) as origin,
        lower({{ record_text('Priority') }}) as priority,
        {{ record_link('Owner') }} as owner_id,
        {{ record_time('Created_Time') }} as created_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
