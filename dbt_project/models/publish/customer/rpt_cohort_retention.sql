-- Grain: one row per month of first order and number of months since, up to the night's month.
with

customer_months as (

    -- What each customer bought in a month.
    select
        customer_id,
        cast(date_trunc('month', order_date) as date) as order_month,
        sum(kept_amount) as kept_amount
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and not is_cancelled
        and customer_id is not null
    group by customer_id, cast(date_trunc('month', order_date) as date)

),

cohorts as (

    select
        customer_id,
        min(order_month) as cohort_month
    from customer_months
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
        customer_months.order_month,
        count(*) as count_active_customers,
        sum(customer_months.kept_amount) as kept_amount
    from customer_months
    inner join cohorts on customer_months.customer_id = cohorts.customer_id
    group by cohorts.cohort_month, customer_months.order_month

),

cells as (

    select
        months.cohort_month,
        months.order_month,
        months.count_customers,
        cast(
            (extract(year from months.order_month) - extract(year from months.cohort_month)) * 12
            + extract(month from months.order_month) - extract(month from months.cohort_month) as integer
        ) as months_since,
        coalesce(bought.count_active_customers, 0) as count_active_customers,
        coalesce(bought.kept_amount, 0) as kept_amount
    from months
    left join bought
        on
            months.cohort_month = bought.cohort_month
            and months.order_month = bought.order_month

),

{{ hidden_groups(
    'guarded', 'cells', 'count_active_customers', is_small_part('count_active_customers', 'count_customers'),
    totals=[['order_month']], key=['cohort_month']
) }},

-- In its first month the whole cohort orders: where that is hidden, so is the cohort's size.
judged as (

    select
        *,
        bool_or(is_hidden and months_since = 0) over (partition by cohort_month) as is_cohort_hidden
    from guarded

),

flagged as (

    select
        *,
        is_hidden or is_cohort_hidden as is_suppressed
    from judged

)

select
    cohort_month,
    months_since,
    order_month,
    cast({{ shown('count_customers', 'is_cohort_hidden') }} as integer) as count_customers,
    cast({{ shown('count_active_customers', 'is_hidden') }} as integer) as count_active_customers,
    cast({{ shown('count_active_customers / cast(count_customers as numeric)', 'is_suppressed') }} as numeric(6, 5))
        as retention_share,
    cast({{ shown('kept_amount', 'is_hidden') }} as numeric(16, 3)) as kept_amount,
    cast('{{ var("currency") }}' as text) as currency,
    is_suppressed
from flagged
