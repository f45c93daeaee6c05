-- Grain: one row per known version of a product's record, its deletion included.
with

versions as (

    {{ record_versions('zoho_crm', 'products') }}

),

typed as (

    select
        record_id as crm_product_id,
        upper({{ record_text('Product_Code') }}) as product_code,
        {{ record_text('Product_Category') }} as product_category,
        {{ record_number('Unit_Cost') }} as unit_cost,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
