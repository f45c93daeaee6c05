-- Grain: one row per line that takes goods back: a cancellation of a whole sale line, or any other return. Additive.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['customer_id']}, {'columns': ['product_id']}],
    meta={'kept': {
        'key': 'return_id',
        'scope': {'column': 'credit_note_id', 'entities': ['lines.order'], 'reached': 'credit_notes_of_changed_orders'},
        'is_published': true
    }}
) }}
with

returned as (

    select *
    from {{ ref('fct_order_lines') }}
    where
        line_type in ('cancellation', 'return')
        and {{ in_scope('order_id') }}

),

sold as (

    select
        order_line_id,
        order_date
    from {{ ref('fct_order_lines') }}

)

select
    returned.order_line_id as return_id,
    returned.order_id as credit_note_id,
    returned.cancelled_order_id as order_id,
    returned.cancelled_order_line_id as order_line_id,
    returned.product_id,
    returned.account_id,
    returned.customer_id,
    returned.line_type as return_type,
    -returned.quantity as returned_quantity,
    cast(-returned.amount as numeric(16, 3)) as returned_amount,
    returned.currency,
    returned.ordered_at as returned_at,
    returned.order_date as returned_date,
    returned.order_date - sold.order_date as days_since_order
from returned
left join sold on returned.cancelled_order_line_id = sold.order_line_id
