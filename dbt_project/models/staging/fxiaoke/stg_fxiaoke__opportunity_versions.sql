-- Grain: one row per known version of an opportunity's record (NewOpportunityObj), its deletion included.
with

versions as (

    {{ record_versions('fxiaoke', 'new_opportunity_obj') }}

),

typed as (

    select
        record_id as opportunity_id,
        {{ record_text('account_id') }} as account_id,
        nullif(trim(record -> 'owner' ->> 0), '') as owner_id,
        {{ record_text('sales_stage') }} as stage,
        {{ record_number('probability') }} as probability_percent,
        {{ record_number('amount') }} as amount,
        upper({{ record_text('mc_currency') }}) as currency,
        {{ record_epoch('close_date') }} as expected_close_at,
        {{ record_epoch('create_time') }} as created_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
