-- Grain: one row per distinct text, read by the version of the model that the night goes by.
select
    text_key,
    language,
    sentiment,
    cast(sentiment_confidence as numeric(5, 4)) as sentiment_confidence,
    theme,
    string_to_array(themes, '|') as themes,
    model_version
from {{ source('ml', 'feedback_scores') }}
where
    model_version in (
        select model_version
        from {{ source('ml', 'fits') }}
        where
            as_of_date = {{ as_of_date() }}
            and model = 'feedback'
    )
