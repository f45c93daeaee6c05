-- Grain: one row per invoice, customer and month of its lines that count: what they sum up to by kind, and what the goods cost.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['invoice_number']}, {'columns': ['customer_id']}],
    meta={'kept': {
        'key': 'valued_order_id',
        'scope': {
            'column': 'invoice_number',
            'entities': ['classified.invoice', 'costs.product'],
            'reached': 'invoices_of_costed_products'
        },
        'tells': {'valued.customer': ['customer_id']}
    }}
) }}
with

lines as (

    select
        *,
        cast(date_trunc('month', invoice_date) as date) as month_start
    from {{ ref('int_order_lines__classified') }}
    where
        exclusion_reason is null
        and {{ in_scope('invoice_number') }}

),

priced as (

    select
        lines.invoice_number,
        lines.customer_id,
        lines.month_start,
        case
            when types.product_type in ('discount', 'voucher') then 'discount'
            when types.product_type is not null then 'other'
            when lines.direction = 'sale' then 'sales'
            else 'returns'
        end as entry,
        lines.amount,
        case
            when types.product_type is null and costs.unit_cost is null then 'assumed_cost'
            else 'known_cost'
        end as cost_entry,
        cast(
            case
                when types.product_type is null
                    then coalesce(
                        lines.quantity * cast(costs.unit_cost as numeric(12, 3)),
                        lines.amount * {{ var('assumed_cost_share') }}
                    )
                else 0
            end as numeric(16, 3)
        ) as cost
    from lines
    left join {{ ref('product_types') }} as types on lines.product_id = types.product_id
    left join {{ ref('int_products__costed') }} as costs on lines.product_id = costs.product_id

)

select
    invoice_number || '/' || coalesce(customer_id, '') || '/' || cast(month_start as text) as valued_order_id,
    invoice_number,
    customer_id,
    month_start,
    {{ entry_sums(['sales', 'returns', 'discount', 'other']) }},
    {{ entry_sums(['known_cost', 'assumed_cost'], 'cost', 'cost_entry') }}
from priced
group by invoice_number, customer_id, month_start
