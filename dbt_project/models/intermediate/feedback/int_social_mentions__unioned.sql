-- Grain: one row per post, review or mention known on the night: whose it is, which brand it is about, how it was received.
{%- set own_brands = var('own_brands') %}
with

posts as (

    {{ current_records(ref('stg_social__post_versions'), 'post_id') }}

),

mentions as (

    {{ current_records(ref('stg_social__mention_versions'), 'mention_id') }}

),

reactions as (

    {{ current_records(ref('stg_social__reaction_versions'), 'reaction_id') }}

),

customers as (

    select
        record_key,
        customer_id
    from {{ ref('stg_identity__assignments') }}
    where kind = 'person'

),

reacted as (

    select
        post_id,
        count(*) as count_reactions
    from reactions
    where (coalesce(reacted_at, changed_at) >= {{ as_of_end() }}) is not true
    group by 1

),

told as (

    select
        'social.posts:' || posts.post_id as mention_id,
        posts.platform,
        case posts.kind when 'review' then 'review' else 'post' end as kind,
        posts.handle,
        -- The feed of posts holds what is said to us or of our products; it names no brand.
        '{{ own_brands[0] | replace("'", "''") }}' as brand,
        cast(null as text) as category,
        posts.product_id,
        posts.rating,
        posts.count_likes,
        coalesce(reacted.count_reactions, 0) as count_reactions,
        posts.text,
        posts.language,
        coalesce(posts.posted_at, posts.changed_at) as mentioned_at
    from posts
    left join reacted on posts.post_id = reacted.post_id
    union all
    select
        'social.mentions:' || mention_id as mention_id,
        platform,
        'mention' as kind,
        handle,
        brand,
        category,
        null as product_id,
        null as rating,
        null as count_likes,
        null as count_reactions,
        text,
        language,
        coalesce(mentioned_at, changed_at) as mentioned_at
    from mentions

),

compared as (

    select
        *,
        -- Null where no brand is named.
        lower(brand) = any(string_to_array(lower('{{ own_brands | join('|') | replace("'", "''") }}'), '|')) as is_own_brand
    from told
    -- What tells of a time after the night is not known yet, whatever its file says.
    where (mentioned_at >= {{ as_of_end() }}) is not true

)

select
    compared.mention_id,
    coalesce(lower(compared.platform), 'unknown') as platform,
    compared.kind,
    customers.customer_id,
    compared.brand,
    compared.is_own_brand,
    case when not compared.is_own_brand then compared.brand end as competitor,
    compared.category,
    compared.product_id,
    cast(case when compared.rating between 1 and 5 then compared.rating end as numeric(2, 1)) as rating,
    cast(case when compared.rating between 1 and 5 then (compared.rating - 1) / 4 end as numeric(5, 4)) as rating_share,
    compared.count_likes,
    cast(compared.count_reactions as integer) as count_reactions,
    compared.text,
    compared.language,
    compared.mentioned_at
from compared
left join customers
    on
        'social.handles:' || coalesce(compared.platform, '') || '/' || {{ plain_handle('compared.handle') }}
        = customers.record_key
