-- Grain: one row per contact with a customer by mail, web form, phone, visit or chat, in or out.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['customer_id']}, {'columns': ['started_date']}],
    meta={'kept': {
        'key': 'interaction_id',
        'tells': {'contacts.customer': ['customer_id']},
        'is_published': true
    }}
) }}
with

interactions as (

    select * from {{ ref('int_interactions__unioned') }}
    where exclusion_reason is null

),

orders as (

    select order_id from {{ ref('fct_orders') }}

)

select
    interactions.interaction_id,
    interactions.source,
    interactions.channel,
    interactions.direction,
    interactions.purpose,
    interactions.customer_id,
    interactions.agent_id,
    orders.order_id,
    interactions.started_at,
    {{ reporting_date('interactions.started_at') }} as started_date,
    interactions.duration_seconds
from interactions
left join orders on interactions.order_number = orders.order_id
