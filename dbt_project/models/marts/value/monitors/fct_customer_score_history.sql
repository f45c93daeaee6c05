-- Grain: one row per customer, question and night that scored it, with the version of the model that did.
-- A night adds its own rows and touches no other night's, so that a night costs the same however many came before.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['as_of_date', 'question']}, {'columns': ['customer_id', 'question']}],
    meta={'kept': {'key': 'customer_score_id', 'nights': 'as_of_date', 'is_published': true}}
) }}
with

scores as (

    select
        'churn' as question,
        customer_id,
        as_of_date,
        model_version,
        churn_probability as score,
        churn_method as method,
        horizon_days,
        scored_at
    from {{ ref('stg_ml__customer_churn') }}
    union all
    select
        'value' as question,
        customer_id,
        as_of_date,
        model_version,
        customer_value as score,
        value_method as method,
        horizon_days,
        scored_at
    from {{ ref('stg_ml__customer_values') }}

)

select
    question || ' ' || as_of_date || ' ' || customer_id as customer_score_id,
    customer_id,
    question,
    as_of_date,
    model_version,
    cast(score as double precision) as score,
    method,
    cast(horizon_days as integer) as horizon_days,
    scored_at
from scores
where score is not null
