{{ config(materialized='view') }}
-- Grain: one row per customer and snapshot date, with what was known at the end of that day and nothing later.
-- Snapshots: the night itself, the comparison date, and training dates whose label window has closed by the night.
{%- set figures = [
    'count_repeat_purchases', 'recency_days', 'count_orders', 'count_lines',
    'count_returns', 'count_purchase_days_30d', 'count_purchase_days_90d', 'count_purchase_days_180d',
    'count_purchase_days_same_season', 'longest_gap_days', 'gap_deviation_days', 'silent_from_days',
    'first_purchase_date', 'purchase_amount', 'purchase_amount_90d', 'purchase_amount_previous_90d',
    'last_purchase_amount', 'returned_amount', 'average_repeat_amount'
] %}
with

snapshots as (

    select
        {{ as_of_date() }} - days_back as snapshot_date,
        customer_id,
        {{ figures | join(',\n        ') }},
        cast(null as boolean) as has_churned,
        cast(null as numeric(16, 3)) as next_purchase_amount
    from {{ ref('ftr_compared_snapshots') }}
    union all
    select
        snapshot_date,
        customer_id,
        {{ figures | join(',\n        ') }},
        has_churned,
        next_purchase_amount
    from {{ ref('ftr_training_snapshots') }}

)

select
    customer_id,
    snapshot_date,
    {{ as_of_date() }} as as_of_date,
    {{ as_of_end() }} as scored_at,
    cast({{ var('churn_horizon_days') }} as integer) as churn_horizon_days,
    cast({{ var('value_horizon_days') }} as integer) as value_horizon_days,
    cast({{ var('comparison_days') }} as integer) as comparison_days,
    cast({{ var('churn_contact_share') }} as double precision) as churn_contact_share,
    cast({{ var('annual_discount_rate') }} as numeric(6, 4)) as annual_discount_rate,
    snapshot_date - first_purchase_date as age_days,
    snapshot_date - first_purchase_date - recency_days as days_since_last_purchase,
    {{ figures | join(',\n    ') }},
    has_churned,
    next_purchase_amount
from snapshots
