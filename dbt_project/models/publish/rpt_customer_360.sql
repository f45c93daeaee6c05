-- Grain: one row per customer: who they are, what they bought, what to expect of them.
with

customers as (

    select * from {{ ref('dim_customers') }}

),

scores as (

    select * from {{ ref('fct_customer_scores') }}

)

select
    customers.customer_id,
    customers.country,
    customers.first_order_date,
    customers.last_order_date,
    {{ as_of_date() }} - customers.last_order_date as days_since_last_order,
    customers.count_orders,
    customers.count_credit_notes,
    customers.gross_amount,
    customers.net_amount,
    customers.currency,
    scores.segment,
    scores.previous_segment,
    scores.recency_score,
    scores.frequency_score,
    scores.monetary_score,
    scores.expected_purchases,
    scores.customer_value,
    scores.customer_value_change,
    scores.value_method,
    scores.churn_probability,
    scores.churn_method,
    {{ as_of_date() }} as as_of_date
from customers
left join scores on customers.customer_id = scores.customer_id
