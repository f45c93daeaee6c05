-- Grain: one row per distinct text that somebody wrote, as known on the night.
with

told as (

    select
        {{ text_key('text') }} as text_key,
        text,
        language,
        occurred_at,
        {{ rated_sentiment('feedback_type', 'rating_share') }} as rated_sentiment,
        rating_share,
        -- Training goes on what was said before the night's week began, so that a week has one model.
        occurred_at < cast(date_trunc('week', {{ as_of_date() }}) as timestamp) at time zone 'UTC' as is_training
    from {{ ref('int_feedback__unioned') }}
    where text is not null

),

texts as (

    select
        text_key,
        min(text) as text,
        min(language) as language,
        bool_or(is_training) as is_training,
        min(occurred_at) as first_said_at,
        -- A text that was rated one way and another teaches nothing.
        case
            when min(rated_sentiment) filter (where is_training) = max(rated_sentiment) filter (where is_training)
                then min(rated_sentiment) filter (where is_training)
        end as rated_sentiment,
        avg(abs(2 * rating_share - 1)) filter (where is_training and rated_sentiment is not null) as strength
    from told
    group by text_key

)

select
    text_key,
    text,
    language,
    coalesce(is_training, false) as is_training,
    first_said_at,
    rated_sentiment,
    cast(
        case
            when rated_sentiment = 'neutral' then 1
            when rated_sentiment is not null then greatest(strength, 0.25)
        end as double precision
    ) as rating_weight,
    cast({{ var('feedback_training_texts') }} as integer) as most_training_texts,
    cast({{ var('feedback_least_confidence') }} as double precision) as least_confidence,
    {{ as_of_date() }} as as_of_date,
    {{ as_of_end() }} as scored_at
from texts
