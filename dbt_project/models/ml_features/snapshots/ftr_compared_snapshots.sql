-- Grain: one row per customer and date, the night or the comparison date: what was known at the end of that day.
-- The comparison date goes by tonight's customers, so that like meets like.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'customer_id, days_back',
        'scope': {
            'column': 'customer_id',
            'entities': ['orders.customer', 'lines.order'],
            'reached': 'customers_whose_purchases_age'
        }
    }}
) }}
with

compared_dates as (

    select {{ as_of_date() }} as snapshot_date
    union
    select {{ as_of_date() }} - {{ var('comparison_days') }}

),

orders as (

    select
        order_id,
        customer_id,
        order_date
    from {{ ref('fct_orders') }}
    where
        customer_id is not null
        and {{ in_scope('customer_id') }}

),

movements as (

    select * from {{ ref('ftr_order_movements') }}

),

order_customers as (

    select
        compared_dates.snapshot_date,
        orders.order_id,
        orders.order_date,
        orders.customer_id
    from compared_dates
    inner join orders on compared_dates.snapshot_date >= orders.order_date

),

{{ snapshot_purchases() }}

select
    purchases.customer_id,
    {{ as_of_date() }} - purchases.snapshot_date as days_back,
    {{ snapshot_columns() }}
from purchases
left join returned
    on
        purchases.snapshot_date = returned.snapshot_date
        and purchases.customer_id = returned.customer_id
