{#- What customers had bought by the end of a snapshot date, and when that becomes another figure though nothing was bought. -#}

{#-
  CTEs up to purchases and returned, one row per snapshot date and customer each. They read order_customers (snapshot_date,
  customer_id, order_id, order_date) and movements (ftr_order_movements).
-#}
{% macro snapshot_purchases() %}
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

)
{% endmacro %}

{#- The columns that follow from purchases and returned; the snapshot's own day moves none of them but by snapshot_ages(). -#}
{% macro snapshot_columns() -%}
cast(purchases.count_purchase_days - 1 as integer) as count_repeat_purchases,
    purchases.last_purchase_date - purchases.first_purchase_date as recency_days,
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
    cast(purchases.average_repeat_amount as numeric(16, 3)) as average_repeat_amount
{%- endmacro %}

{#- How many days old a purchase is when snapshot_purchases() begins or ceases to count it somewhere. -#}
{% macro snapshot_ages() -%}
    {%- set horizon = var('churn_horizon_days') -%}
    {{ return([0, 30, 90, 180, 365 - horizon, 365, horizon + 1]) }}
{%- endmacro %}

{#-
  Customers of whom the compared dates would say something else although no key of theirs was told: as days pass, a purchase
  reaches one of these ages, or what moved its money is no longer later than one of these dates.
-#}
{% macro customers_whose_purchases_age(first_day, last_day, consumed) -%}
    {{ customers_of_changed_orders(first_day, last_day, consumed) }}
    union all
    select customer_id as key
    from {{ ref('fct_orders') }}
    where
        order_date in (
            select {{ first_day }} + days.number - ages.age - dates.days_back
            from generate_series(0, {{ last_day }} - {{ first_day }}) as days (number)
            cross join unnest(array{{ snapshot_ages() }}) as ages (age)
            cross join unnest(array[0, {{ var('comparison_days') }}]) as dates (days_back)
        )
    union all
    select orders.customer_id as key
    from {{ ref('ftr_order_movements') }} as movements
    inner join {{ ref('fct_orders') }} as orders on movements.order_id = orders.order_id
    where
        movements.moved_on between {{ first_day }} and {{ last_day }}
        or movements.moved_on between
        {{ first_day }} - {{ var('comparison_days') }} and {{ last_day }} - {{ var('comparison_days') }}
{%- endmacro %}
