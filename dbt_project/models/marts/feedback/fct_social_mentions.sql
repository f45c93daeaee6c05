-- Grain: one row per public post, review or mention, of us or of a competitor. Likes and reactions are additive.
{{ config(indexes=[{'columns': ['customer_id']}, {'columns': ['mentioned_date']}]) }}
with

mentions as (

    select * from {{ ref('int_social_mentions__unioned') }}

),

products as (

    select product_id from {{ ref('dim_products') }}

)

select
    mentions.mention_id,
    mentions.platform,
    mentions.kind,
    mentions.customer_id,
    mentions.brand,
    mentions.is_own_brand,
    mentions.competitor,
    mentions.category,
    products.product_id,
    mentions.rating,
    mentions.count_likes,
    mentions.count_reactions,
    mentions.language,
    mentions.mentioned_at,
    {{ reporting_date('mentions.mentioned_at') }} as mentioned_date
from mentions
left join products on mentions.product_id = products.product_id
