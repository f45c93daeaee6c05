-- Grain: one row per customer and period in one stage; each day since a customer is known lies in exactly one.
-- Each order starts a clock: active_days until the customer is at risk, lapsed_days until lapsed. The next order stops it.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['customer_id', 'valid_from']}],
    meta={'kept': {
        'key': 'lifecycle_period_id',
        'scope': {
            'column': 'customer_id',
            'entities': ['orders.customer', 'customers.customer'],
            'reached': 'stages_ended'
        },
        'by_night': {'days_in_stage': 'least(coalesce(valid_to, {day} + 1), {day} + 1) - valid_from'},
        'is_published': true
    }}
) }}
with

orders as (

    select distinct
        customer_id,
        order_date
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and not is_cancelled
        and customer_id is not null
        and order_date <= {{ as_of_date() }}
        and {{ in_scope('customer_id') }}

),

neighbours as (

    select
        customer_id,
        order_date,
        lag(order_date) over (partition by customer_id order by order_date) as previous_date,
        coalesce(lead(order_date) over (partition by customer_id order by order_date), 'infinity') as next_date
    from orders

),

known as (

    select
        customer_id,
        first_known_date,
        first_order_date
    from {{ ref('dim_customers') }}
    where {{ in_scope('customer_id') }}

),

first_orders as (

    select
        customer_id,
        min(order_date) as order_date
    from orders
    group by customer_id

),

stretches as (

    select
        known.customer_id,
        'prospect' as stage,
        'known, no order yet' as reason,
        known.first_known_date as valid_from,
        coalesce(first_orders.order_date, 'infinity') as valid_to
    from known
    left join first_orders on known.customer_id = first_orders.customer_id
    union all
    select
        customer_id,
        case
            when previous_date is null then 'new'
            when order_date - previous_date > {{ var('lapsed_days') }} then 'returned'
            else 'active'
        end as stage,
        case
            when previous_date is null then 'first order'
            when order_date - previous_date > {{ var('lapsed_days') }} then 'order after more than {{ var("lapsed_days") }} days'
            else 'ordered again'
        end as reason,
        order_date as valid_from,
        least(next_date, order_date + {{ var('active_days') }}) as valid_to
    from neighbours
    union all
    select
        customer_id,
        'at_risk' as stage,
        'no order for {{ var("active_days") }} days' as reason,
        order_date + {{ var('active_days') }} as valid_from,
        least(next_date, order_date + {{ var('lapsed_days') }}) as valid_to
    from neighbours
    union all
    select
        customer_id,
        'lapsed' as stage,
        'no order for {{ var("lapsed_days") }} days' as reason,
        order_date + {{ var('lapsed_days') }} as valid_from,
        next_date as valid_to
    from neighbours

),

ordered as (

    select
        *,
        lag(stage) over (partition by customer_id order by valid_from) as stage_before
    from stretches
    where
        valid_from < valid_to
        and valid_from <= {{ as_of_date() }}

),

-- Stretches of the same stage that follow each other are one period.
numbered as (

    select
        *,
        count(*) filter (where stage is distinct from stage_before) over (
            partition by customer_id order by valid_from
        ) as period
    from ordered

),

periods as (

    select
        customer_id,
        period,
        min(stage) as stage,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to,
        (array_agg(reason order by valid_from))[1] as reason
    from numbered
    group by customer_id, period

)

select
    customer_id || '/' || cast(period as text) as lifecycle_period_id,
    customer_id,
    stage,
    reason,
    lag(stage) over (partition by customer_id order by period) as previous_stage,
    valid_from,
    case when valid_to <= {{ as_of_date() }} then valid_to end as valid_to,
    valid_to > {{ as_of_date() }} as is_current,
    least(valid_to, {{ as_of_date() }} + 1) - valid_from as days_in_stage
from periods
