-- Grain: one row per training date and customer of it: what was known at the end of that day, and what came in the label window.
-- Who is the same customer is something known, too: training dates go by who was one then, and an account of which nothing was
-- known then is a customer of its own.
with

{{ training_orders(var('training_customers')) }},

{{ snapshot_purchases() }},

labels as (

    -- The label looks ahead on purpose: the window has closed by the night.
    select
        purchases.snapshot_date,
        purchases.customer_id,
        count(future.order_id) = 0 as has_churned
    from purchases
    left join order_customers as future
        on
            purchases.snapshot_date = future.snapshot_date
            and purchases.customer_id = future.customer_id
            and purchases.snapshot_date < future.order_date
            and future.order_type = 'order'
    group by 1, 2

),

next_orders as (

    -- What the label window's orders have left at its end.
    select
        order_customers.snapshot_date,
        order_customers.customer_id,
        order_customers.order_id,
        sum(movements.amount) as amount
    from training_dates
    inner join order_customers on training_dates.snapshot_date = order_customers.snapshot_date
    inner join movements on order_customers.order_id = movements.order_id
    where
        order_customers.order_date > training_dates.snapshot_date
        and movements.moved_on <= training_dates.snapshot_date + {{ var('churn_horizon_days') }}
        and not movements.is_return
    group by 1, 2, 3
    having sum(movements.amount) > 0

),

next_purchases as (

    select
        snapshot_date,
        customer_id,
        sum(amount) as amount
    from next_orders
    group by 1, 2

)

select
    purchases.customer_id,
    purchases.snapshot_date,
    {{ snapshot_columns() }},
    labels.has_churned,
    cast(coalesce(next_purchases.amount, 0) as numeric(16, 3)) as next_purchase_amount
from purchases
left join returned
    on
        purchases.snapshot_date = returned.snapshot_date
        and purchases.customer_id = returned.customer_id
inner join labels
    on
        purchases.snapshot_date = labels.snapshot_date
        and purchases.customer_id = labels.customer_id
left join next_purchases
    on
        purchases.snapshot_date = next_purchases.snapshot_date
        and purchases.customer_id = next_purchases.customer_id
