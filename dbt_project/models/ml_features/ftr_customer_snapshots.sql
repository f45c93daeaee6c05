-- Grain: one row per customer and snapshot date, with what was known at the end of that day and nothing later.
-- Snapshots: the night itself, the comparison date, and training dates whose label window has closed by the night.
-- Who is the same customer is something known, too. Training dates go by who was one then, and an account of which nothing
-- was known then is a customer of its own. The comparison date goes by tonight's customers, so that like meets like.
with

compared_dates as (

    select {{ as_of_date() }} as snapshot_date
    union
    select {{ as_of_date() }} - {{ var('comparison_days') }}

),

training_dates as (

    -- A comparison date that is among them does not train: it knows tonight's customers.
    select {{ as_of_date() }} - windows.number * {{ var('churn_horizon_days') }} as snapshot_date
    from generate_series(1, {{ var('count_training_windows') }}) as windows (number)
    where windows.number * {{ var('churn_horizon_days') }} <> {{ var('comparison_days') }}

),

orders as (

    select
        order_id,
        order_type,
        account_id,
        customer_id,
        order_date
    from {{ ref('fct_orders') }}
    where customer_id is not null

),

known_then as (

    select
        training_dates.snapshot_date,
        tracked.order_id,
        tracked.account_id,
        tracked.customer_id
    from training_dates
    inner join {{ ref('int_shop_customers__tracked') }} as tracked
        on
            training_dates.snapshot_date >= tracked.valid_from
            and (tracked.valid_to is null or training_dates.snapshot_date < tracked.valid_to)

),

known_accounts as (

    -- All records of an account are one customer unless a decision tears them apart; then the account's own one counts.
    select
        known_then.snapshot_date,
        coalesce(known_then.account_id, orders.account_id) as account_id,
        coalesce(
            min(known_then.customer_id) filter (where known_then.order_id is null),
            min(known_then.customer_id)
        ) as customer_id
    from known_then
    left join orders on known_then.order_id = orders.order_id
    where coalesce(known_then.account_id, orders.account_id) is not null
    group by 1, 2

),

order_customers as (

    select
        compared_dates.snapshot_date,
        orders.order_id,
        orders.order_type,
        orders.order_date,
        orders.customer_id
    from compared_dates
    inner join orders on compared_dates.snapshot_date >= orders.order_date
    union all
    -- Orders of the label window, and those that arrived late, belong to whoever had the account on the snapshot date.
    select
        training_dates.snapshot_date,
        orders.order_id,
        orders.order_type,
        orders.order_date,
        coalesce(
            known_then.customer_id, known_accounts.customer_id, {{ account_customer('orders.account_id') }}
        ) as customer_id
    from training_dates
    inner join orders on training_dates.snapshot_date + {{ var('churn_horizon_days') }} >= orders.order_date
    left join known_then
        on
            training_dates.snapshot_date = known_then.snapshot_date
            and orders.order_id = known_then.order_id
    left join known_accounts
        on
            training_dates.snapshot_date = known_accounts.snapshot_date
            and orders.account_id = known_accounts.account_id

),

movements as (

    -- One row per order and day on which its money moved: lines are many, snapshots few, so add up first.
    -- What cancels an order moves the money of whoever ordered.
    select
        coalesce(cancelled_order_id, order_id) as order_id,
        line_type = 'return' as is_return,
        order_date,
        sum(amount) as amount
    from {{ ref('fct_order_lines') }}
    where customer_id is not null
    group by 1, 2, 3

),

known as (

    select
        order_customers.snapshot_date,
        order_customers.customer_id,
        order_customers.order_id,
        order_customers.order_date,
        movements.is_return,
        movements.amount
    from order_customers
    inner join movements
        on
            order_customers.order_id = movements.order_id
            and order_customers.snapshot_date >= movements.order_date

),

kept_orders as (

    -- An order counts with what its cancellations, as far as they were known on the snapshot date, have left of it.
    select
        snapshot_date,
        customer_id,
        order_id,
        order_date,
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
