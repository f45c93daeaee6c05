-- Grain: one row per time that a customer, or who may become one, said or rated something: all channels in one shape.
with

responses as (

    select * from {{ ref('int_survey_responses__unioned') }}

),

mentions as (

    select * from {{ ref('int_social_mentions__unioned') }}

),

voices as (

    select * from {{ ref('int_support_voices__unioned') }}

),

unioned as (

    select
        response_id as feedback_id,
        survey as feedback_type,
        'survey' as channel,
        customer_id,
        cast(null as text) as product_id,
        order_number,
        -- A panel speaks of the whole trade.
        case when survey <> 'market_research' then true end as is_own_brand,
        rating_share,
        comment as text,
        language,
        coalesce(answered_at, changed_at) as occurred_at
    from responses
    -- A question that nobody answered is no voice.
    where is_answered
    union all
    select
        mention_id as feedback_id,
        kind as feedback_type,
        platform as channel,
        customer_id,
        product_id,
        null as order_number,
        is_own_brand,
        rating_share,
        text,
        language,
        mentioned_at as occurred_at
    from mentions
    union all
    select
        voice_id as feedback_id,
        voice_type as feedback_type,
        channel,
        customer_id,
        null as product_id,
        order_number,
        true as is_own_brand,
        null as rating_share,
        text,
        language,
        occurred_at
    from voices

)

select * from unioned
