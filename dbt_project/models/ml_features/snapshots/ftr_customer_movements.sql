-- Grain: one row per training date, order and day on which its money moved, for a few customers, the label window included.
-- From these the training derives features anew, with all that came after the snapshot cut away, and compares.
with

{{ training_orders(var('checked_customers')) }}

select
    order_customers.snapshot_date,
    order_customers.customer_id,
    order_customers.order_id,
    order_customers.order_date as ordered_on,
    movements.moved_on,
    movements.is_return,
    movements.count_lines,
    movements.amount
from order_customers
inner join training_dates on order_customers.snapshot_date = training_dates.snapshot_date
inner join movements on order_customers.order_id = movements.order_id
where movements.moved_on <= order_customers.snapshot_date + {{ var('churn_horizon_days') }}
