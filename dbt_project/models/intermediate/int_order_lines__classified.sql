-- Grain: one row per staged line, with its customer, its kind and, where it does not count as business, the reason.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['invoice_number']}, {'columns': ['account_id']}],
    meta={'kept': {
        'key': 'order_line_id',
        'scope': {'column': 'invoice_number', 'entities': ['shop.line_invoice', 'owned.invoice']},
        'tells': {
            'classified.invoice': ['invoice_number'],
            'classified.account': ['account_id'],
            'classified.day': ['invoice_date']
        }
    }}
) }}
with

staged as (

    select * from {{ ref('stg_shop__order_lines') }}
    where {{ in_scope('invoice_number') }}

),

invoices as (

    select
        invoice_number,
        customer_id
    from {{ ref('int_customer_records__owned') }}
    where {{ in_scope('invoice_number') }}

),

repeated as (

    select
        *,
        customer_id as account_id,
        row_number() over (
            partition by
                invoice_number, product_id, description, quantity, invoiced_at, unit_price, customer_id, country
            order by order_line_id
        ) as repetition
    from staged

),

classified as (

    select
        repeated.order_line_id,
        repeated.invoice_number,
        repeated.product_id,
        repeated.account_id,
        -- Without tonight's identity an account is a customer of its own: its money must not become a guest's.
        coalesce(invoices.customer_id, {{ account_customer('repeated.account_id') }}) as customer_id,
        repeated.description,
        repeated.country,
        repeated.quantity,
        repeated.unit_price,
        repeated.amount,
        repeated.invoiced_at,
        {{ reporting_date('repeated.invoiced_at') }} as invoice_date,
        case
            when repeated.repetition > 1 then 'exact_duplicate'
            when repeated.invoice_number like 'A%' then 'accounting_adjustment'
            when repeated.quantity < 0 and repeated.invoice_number not like 'C%' then 'stock_adjustment'
            when repeated.unit_price = 0 then 'no_charge'
        end as exclusion_reason,
        case when repeated.invoice_number like 'C%' then 'credit' else 'sale' end as direction
    from repeated
    left join invoices
        on
            repeated.invoice_number = invoices.invoice_number
            and repeated.account_id is not null

)

select * from classified
