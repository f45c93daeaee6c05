-- Grain: one row per staged line, with its kind and, where it does not count as business, the reason.
with

staged as (

    select * from {{ ref('stg_shop__order_lines') }}

),

repeated as (

    select
        *,
        row_number() over (
            partition by
                invoice_number, product_id, description, quantity, invoiced_at, unit_price, customer_id, country
            order by order_line_id
        ) as repetition
    from staged

),

classified as (

    select
        order_line_id,
        invoice_number,
        product_id,
        customer_id,
        description,
        country,
        quantity,
        unit_price,
        amount,
        invoiced_at,
        {{ reporting_date('invoiced_at') }} as invoice_date,
        case
            when repetition > 1 then 'exact_duplicate'
            when invoice_number like 'A%' then 'accounting_adjustment'
            when quantity < 0 and invoice_number not like 'C%' then 'stock_adjustment'
            when unit_price = 0 then 'no_charge'
        end as exclusion_reason,
        case when invoice_number like 'C%' then 'credit' else 'sale' end as direction
    from repeated

)

select * from classified
