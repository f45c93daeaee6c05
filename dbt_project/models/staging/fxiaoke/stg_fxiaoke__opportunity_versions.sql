-- Grain: one row per known version of an opportunity's record (NewOpportunityObj), its deletion included.
with

versions as (

    {{ record_versions('fxiaoke', 'new_opportunity_obj') }}

),

typed as (

    select
        record_id as opportunity_id,
        {{ record_text('account_id') }} as account_id,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
