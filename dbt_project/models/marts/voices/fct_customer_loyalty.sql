-- Grain: one row per customer with an order that was not cancelled as a whole: how surely the customer comes back.
{{ config(indexes=[{'columns': ['customer_id']}]) }}
with

orders as (

    select
        customer_id,
        order_date
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and not is_cancelled
        and customer_id is not null

),

-- Whole windows since the first order.
customers as (

    select
        customer_id,
        min(order_date) as first_order_date,
        ({{ as_of_date() }} - min(order_date)) / {{ var('churn_horizon_days') }} as count_windows
    from orders
    group by customer_id

),

returns as (

    select distinct
        orders.customer_id,
        (orders.order_date - customers.first_order_date - 1) / {{ var('churn_horizon_days') }} as window_number
    from orders
    inner join customers on orders.customer_id = customers.customer_id
    where
        orders.order_date > customers.first_order_date
        and (orders.order_date - customers.first_order_date - 1) / {{ var('churn_horizon_days') }} < customers.count_windows

),

-- In how many of them the customer came back.
returned as (

    select
        customer_id,
        count(*) as count_windows_with_order
    from returns
    group by customer_id

),

counted as (

    select
        customers.*,
        coalesce(returned.count_windows_with_order, 0) as count_windows_with_order
    from customers
    left join returned on customers.customer_id = returned.customer_id

),

-- Who has been seen for a short time only is taken to be like the others, the more so the shorter.
shrunk as (

    select
        *,
        count_windows + {{ var('loyalty_prior_windows') }} as weighed_windows,
        count_windows_with_order + {{ var('loyalty_prior_windows') }} * coalesce(
            sum(count_windows_with_order) over () / nullif(sum(count_windows) over (), 0), 0.5
        ) as weighed_windows_with_order
    from counted

),

answers as (

    select
        customer_id,
        count(*) as count_nps_answers,
        count(*) filter (where score_group = 'promoter') as count_promoter_answers,
        count(*) filter (where score_group = 'detractor') as count_detractor_answers
    from {{ ref('fct_survey_responses') }}
    where
        survey = 'nps'
        and score is not null
        and customer_id is not null
    group by customer_id

)

select
    shrunk.customer_id,
    shrunk.first_order_date,
    cast(date_trunc('quarter', shrunk.first_order_date) as date) as cohort_quarter,
    cast(shrunk.count_windows as integer) as count_windows,
    cast(shrunk.count_windows_with_order as integer) as count_windows_with_order,
    cast(100 * shrunk.weighed_windows_with_order / shrunk.weighed_windows as numeric(5, 2)) as loyalty_score,
    cast(100 * {{ wilson_bound('shrunk.weighed_windows_with_order', 'shrunk.weighed_windows', '-') }} as numeric(5, 2))
        as loyalty_score_low,
    cast(100 * {{ wilson_bound('shrunk.weighed_windows_with_order', 'shrunk.weighed_windows', '+') }} as numeric(5, 2))
        as loyalty_score_high,
    cast(coalesce(answers.count_nps_answers, 0) as integer) as count_nps_answers,
    cast(coalesce(answers.count_promoter_answers, 0) as integer) as count_promoter_answers,
    cast(coalesce(answers.count_detractor_answers, 0) as integer) as count_detractor_answers
from shrunk
left join answers on shrunk.customer_id = answers.customer_id
