-- Grain: one row per time that a customer, or who may become one, said or rated something, on any channel.
{{ config(indexes=[{'columns': ['customer_id']}, {'columns': ['occurred_date']}]) }}
with

feedback as (

    select * from {{ ref('int_feedback__unioned') }}

),

orders as (

    select order_id from {{ ref('fct_orders') }}

),

products as (

    select product_id from {{ ref('dim_products') }}

),

scores as (

    select * from {{ ref('stg_ml__feedback_scores') }}

)

select
    feedback.feedback_id,
    feedback.feedback_type,
    feedback.channel,
    feedback.customer_id,
    products.product_id,
    orders.order_id,
    feedback.is_own_brand,
    feedback.rating_share,
    feedback.text is not null as has_text,
    feedback.text,
    feedback.language,
    scores.language as read_language,
    scores.sentiment,
    scores.sentiment_confidence,
    scores.theme,
    scores.model_version as feedback_model_version,
    feedback.occurred_at,
    {{ reporting_date('feedback.occurred_at') }} as occurred_date
from feedback
left join orders on feedback.order_number = orders.order_id
left join products on feedback.product_id = products.product_id
left join scores on {{ text_key('feedback.text') }} = scores.text_key
