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
        {{ record_link('Owner') }} as owner_id,
        {{ record_text('Stage') }} as stage,
        {{ record_number('Probability') }} as probability_percent,
        {{ record_number('Amount') }} as amount,
        upper({{ record_text('Currency') }}) as currency,
        {{ record_date('Closing_Date') }} as expected_close_date,
        {{ record_time('Created_Time') }} as created_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
