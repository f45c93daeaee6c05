-- Grain: one row per voice with words and need that it speaks of. Voices are not additive over needs: one may speak of several.
{{ config(indexes=[{'columns': ['customer_id']}, {'columns': ['theme']}]) }}
with

feedback as (

    select * from {{ ref('fct_feedback') }}

),

scores as (

    select
        text_key,
        unnest(themes) as theme
    from {{ ref('stg_ml__feedback_scores') }}

)

select
    feedback.feedback_id || '/' || scores.theme as feedback_theme_id,
    feedback.feedback_id,
    scores.theme,
    scores.theme = feedback.theme as is_main_theme,
    feedback.customer_id,
    feedback.is_own_brand,
    feedback.sentiment,
    feedback.rating_share,
    feedback.occurred_date
from feedback
inner join scores on {{ text_key('feedback.text') }} = scores.text_key
