-- Grain: one row per questionnaire of a survey, sent or answered. Scores of two surveys are never averaged together.
{{ config(indexes=[{'columns': ['customer_id']}, {'columns': ['answered_date']}]) }}
with

responses as (

    select * from {{ ref('int_survey_responses__unioned') }}

),

orders as (

    select order_id from {{ ref('fct_orders') }}

)

select
    responses.response_id,
    responses.survey,
    responses.customer_id,
    coalesce(responses.request_id, case when responses.survey = 'nps' then orders.order_id end) as subject,
    orders.order_id,
    responses.score,
    responses.score_scale,
    responses.score_group,
    responses.score_problem,
    responses.is_answered,
    responses.language,
    responses.sent_at,
    responses.answered_at,
    {{ reporting_date('responses.answered_at') }} as answered_date,
    responses.response_hours
from responses
left join orders on responses.order_number = orders.order_id
