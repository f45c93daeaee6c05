-- Grain: one row per month, category and brand that people mention; shares are of all mentions of the month and category.
with

mentions as (

    select
        cast(date_trunc('month', mentioned_date) as date) as mentioned_month,
        coalesce(category, 'unknown') as category,
        brand,
        is_own_brand,
        rating
    from {{ ref('fct_social_mentions') }}
    where
        mentioned_date is not null
        and brand is not null

),

brands as (

    select
        mentioned_month,
        category,
        brand,
        bool_or(is_own_brand) as is_own_brand,
        count(*) as count_mentions,
        count(rating) as count_ratings,
        avg(rating) as rating
    from mentions
    group by mentioned_month, category, brand

)

select
    mentioned_month,
    category,
    brand,
    is_own_brand,
    cast(count_mentions as integer) as count_mentions,
    cast(count_mentions / sum(count_mentions) over (partition by mentioned_month, category) as numeric(6, 5)) as mention_share,
    cast(count_ratings as integer) as count_ratings,
    cast(rating as numeric(4, 2)) as rating
from brands
