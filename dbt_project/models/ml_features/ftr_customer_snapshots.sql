-- Grain: one row per customer and snapshot date, with what was known at the end of that day and nothing later.
-- Snapshots: the night itself, the comparison date, and training dates whose label window has closed by the night.
-- Who is the same customer is something known, too. Training dates go by who was one then, and an account of which nothing
-- was known then is a customer of its own. The comparison date goes by tonight's customers, so that like meets like.
with

{{ snapshot_orders(var('training_customers')) }},

known as (

    select
        order_customers.snapshot_date,
        order_customers.customer_id,
        order_customers.order_id,
        order_customers.order_date,
        movements.is_return,
        movements.count_lines,
        movements.amount
    from order_customers
    inner join movements
        on
            order_customers.order_id = movements.order_id
            and order_customers.snapshot_date >= movements.moved_on

),

kept_orders as (

    -- An order counts with what its cancellations, as far as they were known on the snapshot date, have left of it.
    select
        snapshot_date,
        customer_id,
        order_id,
        order_date,
        sum(count_lines) as count_lines,
        sum(amount) as amount
    from known
    where not is_return
    group by 1, 2, 3, 4
    having sum(amount) > 0

),

purchase_days as (

    select
        snapshot_date,
        customer_id,
        order_date,
        count(*) as count_orders,
        sum(count_lines) as count_lines,
        sum(amount) as amount,
        row_number() over customer_days as purchase_number,
        order_date - lag(order_date) over customer_days as gap_days,
        coalesce(lead(order_date) over customer_days, snapshot_date) - order_date as silence_days
    from kept_orders
    group by 1, 2, 3
    window customer_days as (partition by snapshot_date, customer_id order by order_date)

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
        sum(count_lines) as count_lines,
        avg(amount) filter (where purchase_number > 1) as average_repeat_amount,
        max(gap_days) as longest_gap_days,
        stddev_pop(gap_days) as gap_deviation_days,
        min(order_date) filter (where silence_days > {{ var('churn_horizon_days') }}) as silent_from_date,
        count(*) filter (where order_date > snapshot_date - 30) as count_purchase_days_30d,
        count(*) filter (where order_date > snapshot_date - 90) as count_purchase_days_90d,
        count(*) filter (where order_date > snapshot_date - 180) as count_purchase_days_180d,
        -- The days of last year that lie as the label window does: who buys for Christmas buys for Christmas.
        count(*) filter (
            where
            order_date > snapshot_date - 365
            and order_date <= snapshot_date - 365 + {{ var('churn_horizon_days') }}
        ) as count_purchase_days_same_season,
        coalesce(sum(amount) filter (where order_date > snapshot_date - 90), 0) as purchase_amount_90d,
        coalesce(
            sum(amount) filter (where order_date <= snapshot_date - 90 and order_date > snapshot_date - 180), 0
        ) as purchase_amount_previous_90d,
        coalesce(sum(amount) filter (where order_date = last_date), 0) as last_purchase_amount
    from (
        select
            *,
            max(order_date) over (partition by snapshot_date, customer_id) as last_date
        from purchase_days
    ) as dated
    group by 1, 2

),

returned as (

    select
        snapshot_date,
        customer_id,
        count(distinct order_id) as count_returns,
        sum(amount) as returned_amount
    from known
    where is_return
    group by 1, 2

),

labels as (

    -- The label looks ahead on purpose, and exists only on training dates: their window has closed by the night.
    select
        purchases.snapshot_date,
        purchases.customer_id,
        count(future.order_id) = 0 as has_churned
    from purchases
    inner join training_dates on purchases.snapshot_date = training_dates.snapshot_date
    left join order_customers as future
        on
            purchases.snapshot_date = future.snapshot_date
            and purchases.customer_id = future.customer_id
            and purchases.snapshot_date < future.order_date
            and future.order_type = 'order'
    group by 1, 2

),

next_orders as (

    -- What the label window's orders have left at its end; training dates alone have one, as for the label.
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
    {{ as_of_date() }} as as_of_date,
    {{ as_of_end() }} as scored_at,
    cast({{ var('churn_horizon_days') }} as integer) as churn_horizon_days,
    cast({{ var('value_horizon_days') }} as integer) as value_horizon_days,
    cast({{ var('comparison_days') }} as integer) as comparison_days,
    cast({{ var('churn_contact_share') }} as double precision) as churn_contact_share,
    cast({{ var('annual_discount_rate') }} as numeric(6, 4)) as annual_discount_rate,
    cast(purchases.count_purchase_days - 1 as integer) as count_repeat_purchases,
    purchases.last_purchase_date - purchases.first_purchase_date as recency_days,
    purchases.snapshot_date - purchases.first_purchase_date as age_days,
    purchases.snapshot_date - purchases.last_purchase_date as days_since_last_purchase,
    cast(purchases.count_orders as integer) as count_orders,
    cast(purchases.count_lines as integer) as count_lines,
    cast(coalesce(returned.count_returns, 0) as integer) as count_returns,
    cast(purchases.count_purchase_days_30d as integer) as count_purchase_days_30d,
    cast(purchases.count_purchase_days_90d as integer) as count_purchase_days_90d,
    cast(purchases.count_purchase_days_180d as integer) as count_purchase_days_180d,
    cast(purchases.count_purchase_days_same_season as integer) as count_purchase_days_same_season,
    purchases.longest_gap_days,
    cast(purchases.gap_deviation_days as numeric(12, 3)) as gap_deviation_days,
    purchases.silent_from_date - purchases.first_purchase_date as silent_from_days,
    purchases.first_purchase_date,
    cast(purchases.purchase_amount as numeric(16, 3)) as purchase_amount,
    cast(purchases.purchase_amount_90d as numeric(16, 3)) as purchase_amount_90d,
    cast(purchases.purchase_amount_previous_90d as numeric(16, 3)) as purchase_amount_previous_90d,
    cast(purchases.last_purchase_amount as numeric(16, 3)) as last_purchase_amount,
    cast(coalesce(returned.returned_amount, 0) as numeric(16, 3)) as returned_amount,
    cast(purchases.average_repeat_amount as numeric(16, 3)) as average_repeat_amount,
    labels.has_churned,
    cast(
        case when labels.has_churned is not null then coalesce(next_purchases.amount, 0) end as numeric(16, 3)
    ) as next_purchase_amount
from purchases
left join returned
    on
        purchases.snapshot_date = returned.snapshot_date
        and purchases.customer_id = returned.customer_id
left join labels
    on
        purchases.snapshot_date = labels.snapshot_date
        and purchases.customer_id = labels.customer_id
left join next_purchases
    on
        purchases.snapshot_date = next_purchases.snapshot_date
        and purchases.customer_id = next_purchases.customer_id
