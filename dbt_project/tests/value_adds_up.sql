-- Benefits and costs by customer and month add up to the facts they come from, to the last digit.
with

months as (

    select
        sum(net_amount) as net_amount,
        sum(returns_amount) as returns_amount,
        sum(payment_fee_amount) as payment_fee_amount,
        sum(margin_amount - payment_fee_amount - service_cost_amount - contact_cost_amount) as value_by_parts,
        sum(value_amount) as value_amount
    from {{ ref('fct_customer_value_months') }}

),

lines as (

    select
        sum(lines.amount) as net_amount,
        -sum(lines.amount) filter (where lines.line_type <> 'sale' and products.is_merchandise) as returns_amount
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('dim_products') }} as products on lines.product_id = products.product_id

),

payments as (

    select sum(fee_amount) as fee_amount
    from {{ ref('fct_payments') }}

)

select
    months.*,
    lines.net_amount as lines_net_amount,
    payments.fee_amount
from months
cross join lines
cross join payments
where
    coalesce(months.net_amount, 0) <> coalesce(lines.net_amount, 0)
    or coalesce(months.returns_amount, 0) <> coalesce(lines.returns_amount, 0)
    or coalesce(months.payment_fee_amount, 0) <> coalesce(payments.fee_amount, 0)
    or coalesce(months.value_by_parts, 0) <> coalesce(months.value_amount, 0)
