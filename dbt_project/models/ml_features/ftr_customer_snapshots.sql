-- Grain: one row per customer and snapshot date, with what was known at the end of that day and nothing later.
-- Snapshots: the night itself, the comparison date, and training dates whose label window has closed by the night.
with

snapshots as (

    select {{ as_of_date() }} as snapshot_date
    union
    select {{ as_of_date() }} - {{ var('comparison_days') }}
    {% for window in range(1, (var('count_training_windows') | int) + 1) %}
    union
    select {{ as_of_date() }} - {{ window * (var('churn_horizon_days') | int) }}
    {% endfor %}

),

movements as (

    -- One row per order and day on which its money moved: lines are many, snapshots few, so add up first.
    select
        customer_id,
        coalesce(cancelled_order_id, order_id) as order_id,
        line_type = 'return' as is_return,
        order_date,
        sum(amount) as amount
    from {{ ref('fct_order_lines') }}
    where customer_id is not null
    group by 1, 2, 3, 4

),

order_days as (

    select
        order_id,
        customer_id,
        order_date
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and customer_id is not null

),

known as (

    select
        snapshots.snapshot_date,
        movements.*
    from snapshots
    inner join movements on snapshots.snapshot_date >= movements.order_date

),

kept_orders as (

    -- An order counts with what its cancellations, as far as they were known on the snapshot date, have left of it.
    select
        known.snapshot_date,
        known.customer_id,
        known.order_id,
        order_days.order_date,
        sum(known.amount) as amount
    from known
    inner join order_days on known.order_id = order_days.order_id
    where not known.is_return
    group by 1, 2, 3, 4
    having sum(known.amount) > 0

),

purchase_days as (

    select
        snapshot_date,
        customer_id,
        order_date,
        count(*) as count_orders,
        sum(amount) as amount,
        row_number() over (partition by snapshot_date, customer_id order by order_date) as purchase_number
    from kept_orders
    group by 1, 2, 3

),

purchases as (

    select
        snapshot_date,
        customer_id,
        min(order_date) as first_purchase_date,
        max(order_date) as last_purchase_date,
        count(*) as count_purchase_days,
        sum(count_orders) as count_orders,
        sum(amount) as purchase_amount,
        avg(amount) filter (where purchase_number > 1) as average_repeat_amount,
        count(*) filter (where order_date > snapshot_date - 90) as count_purchase_days_90d
    from purchase_days
    group by 1, 2

),

returned as (

    select
        snapshot_date,
        customer_id,
        sum(amount) as returned_amount
    from known
    where is_return
    group by 1, 2

),

labels as (

    -- The label looks ahead on purpose, and exists only where the window has closed by the night.
    select
        purchases.snapshot_date,
        purchases.customer_id,
        count(future.order_id) = 0 as has_churned
    from purchases
    left join order_days as future
        on
            purchases.customer_id = future.customer_id
            and purchases.snapshot_date < future.order_date
            and purchases.snapshot_date + {{ var('churn_horizon_days') }} >= future.order_date
    where purchases.snapshot_date + {{ var('churn_horizon_days') }} <= {{ as_of_date() }}
    group by 1, 2

)

select
    purchases.customer_id,
    purchases.snapshot_date,
    {{ as_of_date() }} as as_of_date,
    {{ as_of_end() }} as scored_at,
    cast({{ var('churn_horizon_days') }} as integer) as churn_horizon_days,
    cast({{ var('value_horizon_days') }} as integer) as value_horizon_days,
    cast({{ var('comparison_days') }} as integer) as comparison_days,
    cast(purchases.count_purchase_days - 1 as integer) as count_repeat_purchases,
    purchases.last_purchase_date - purchases.first_purchase_date as recency_days,
    purchases.snapshot_date - purchases.first_purchase_date as age_days,
    purchases.snapshot_date - purchases.last_purchase_date as days_since_last_purchase,
    cast(purchases.count_orders as integer) as count_orders,
    cast(purchases.count_purchase_days_90d as integer) as count_purchase_days_90d,
    cast(purchases.purchase_amount as numeric(16, 3)) as purchase_amount,
    cast(coalesce(returned.returned_amount, 0) as numeric(16, 3)) as returned_amount,
    cast(purchases.average_repeat_amount as numeric(16, 3)) as average_repeat_amount,
    labels.has_churned
from purchases
left join returned
    on
        purchases.snapshot_date = returned.snapshot_date
        and purchases.customer_id = returned.customer_id
left join labels
    on
        purchases.snapshot_date = labels.snapshot_date
        and purchases.customer_id = labels.customer_id
