-- Grain: one row per customer and need that the customer spoke of to us or of us.
{{ config(indexes=[{'columns': ['customer_id']}, {'columns': ['need']}]) }}
with

voices as (

    select * from {{ ref('fct_feedback_themes') }}
    where
        customer_id is not null
        and theme <> 'other'
        and is_own_brand is not false

),

counted as (

    select
        customer_id,
        theme as need,
        count(*) as count_voices,
        count(*) filter (where sentiment = 'negative') as count_negative_voices,
        count(*) filter (where sentiment = 'positive') as count_positive_voices,
        max(occurred_date) as last_voice_date
    from voices
    group by customer_id, theme

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by count_voices desc, last_voice_date desc nulls last, count_negative_voices desc, need asc
        ) as need_rank
    from counted

),

speakers as (

    select count(distinct customer_id) as count_customers
    from counted

),

shared as (

    -- What many speak of is a need of all, what few speak of is one of theirs.
    select
        counted.need,
        count(*) >= {{ var('shared_need_share') }} * max(speakers.count_customers) as is_shared
    from counted
    cross join speakers
    group by counted.need

)

select
    ranked.customer_id || '/' || ranked.need as customer_need_id,
    ranked.customer_id,
    ranked.need,
    cast(ranked.need_rank as integer) as need_rank,
    ranked.need_rank = 1 as is_main_need,
    shared.is_shared as is_shared_need,
    cast(ranked.count_voices as integer) as count_voices,
    cast(ranked.count_negative_voices as integer) as count_negative_voices,
    cast(ranked.count_positive_voices as integer) as count_positive_voices,
    ranked.last_voice_date,
    'spoke of ' || replace(ranked.need, '_', ' ') || ' in ' || cast(ranked.count_voices as text)
    || case when ranked.count_voices = 1 then ' text, ' else ' texts, ' end
    || cast(ranked.count_negative_voices as text) || ' of them unhappy'
    || coalesce(', the last on ' || cast(ranked.last_voice_date as text), '') as reason
from ranked
inner join shared on ranked.need = shared.need
