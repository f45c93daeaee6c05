{#-
  CTEs up to order_customers (whose order each order was on each training date, label window included) and movements (the
  money of each order by day). `customers`: about how many customers the training dates have.
-#}
{% macro training_orders(customers) %}
training_dates as (

    -- The newest is the newest whose label window has closed; monitors read it each night, training reads all. One that is
    -- the comparison date, too, does not train: that knows tonight's customers.
    select
        {{ as_of_date() }} - {{ var('churn_horizon_days') }} - windows.number * {{ var('training_step_days') }}
            as snapshot_date
    from generate_series(0, {{ var('count_training_windows') }} - 1) as windows (number)
    where
        {{ var('churn_horizon_days') }} + windows.number * {{ var('training_step_days') }} <> {{ var('comparison_days') }}
        and (windows.number = 0 or {{ training_is_due() }})

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

customers as (

    select distinct customer_id from orders

),

sampled_orders as (

    -- Training needs no more customers than so many. They are drawn by tonight's ids, so that all of a customer's
    -- accounts come or none does.
    select orders.*
    from orders
    inner join customers on orders.customer_id = customers.customer_id
    where
        {{ hash_bucket('customers.customer_id', 10000) }} * (select count(*) from customers)
        < 10000 * cast({{ customers }} as bigint)

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
    where
        tracked.order_id in (select order_id from sampled_orders)
        or tracked.account_id in (select account_id from sampled_orders)

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
    left join sampled_orders as orders on known_then.order_id = orders.order_id
    where coalesce(known_then.account_id, orders.account_id) is not null
    group by 1, 2

),

order_customers as (

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
    inner join sampled_orders as orders on training_dates.snapshot_date + {{ var('churn_horizon_days') }} >= orders.order_date
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

    select * from {{ ref('ftr_order_movements') }}

)
{% endmacro %}
