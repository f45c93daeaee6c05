-- Grain: one row per month of first order and number of months since, up to the night's month.
with

orders as (

    select
        customer_id,
        order_date,
        kept_amount,
        currency,
        cast(date_trunc('month', order_date) as date) as order_month
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and not is_cancelled
        and customer_id is not null

),

cohorts as (

    select
        customer_id,
        min(order_month) as cohort_month
    from orders
    group by customer_id

),

sizes as (

    select
        cohort_month,
        count(*) as count_customers
    from cohorts
    group by cohort_month

),

-- Every month up to the night's, so that a month in which nobody came shows as none.
months as (

    select
        sizes.cohort_month,
        sizes.count_customers,
        cast(passed.order_month as date) as order_month
    from sizes
    cross join lateral generate_series(
        sizes.cohort_month, date_trunc('month', {{ as_of_date() }}), interval '1 month'
    ) as passed (order_month)

),

bought as (

    select
        cohorts.cohort_month,
        orders.order_month,
        count(distinct orders.customer_id) as count_active_customers,
        sum(orders.kept_amount) as kept_amount
    from orders
    inner join cohorts on orders.customer_id = cohorts.customer_id
    group by cohorts.cohort_month, orders.order_month

)

select
    months.cohort_month,
    cast(
        (extract(year from months.order_month) - extract(year from months.cohort_month)) * 12
        + extract(month from months.order_month) - extract(month from months.cohort_month) as integer
    ) as months_since,
    months.order_month,
    cast(months.count_customers as integer) as count_customers,
    cast(coalesce(bought.count_active_customers, 0) as integer) as count_active_customers,
    cast(coalesce(bought.count_active_customers, 0) / cast(months.count_customers as numeric) as numeric(6, 5))
        as retention_share,
    cast(coalesce(bought.kept_amount, 0) as numeric(16, 3)) as kept_amount,
    cast('{{ var("currency") }}' as text) as currency
from months
left join bought
    on
        months.cohort_month = bought.cohort_month
        and months.order_month = bought.order_month
