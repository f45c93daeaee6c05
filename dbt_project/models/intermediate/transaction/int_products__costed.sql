-- Grain: one row per stock code whose cost or category a CRM tells.
{{ config(
    materialized='incremental',
    meta={'kept': {'key': 'product_id', 'tells': {'costs.product': ['product_id']}}}
) }}
with

known as (

    {{ current_records(ref('stg_zoho_crm__product_versions'), 'crm_product_id') }}

)

select distinct on (product_code)
    product_code as product_id,
    product_category,
    case when unit_cost between 0 and 99999999 then unit_cost end as unit_cost
from known
where product_code is not null
order by product_code asc, changed_at desc nulls last, load_id desc, row_number desc
