-- Grain: one row per customer and rank of a product that the customer may want next and has not bought yet.
-- Exports for marketing take rows with has_marketing_consent only, by the channels of consented_channels.
{{ config(indexes=[{'columns': ['customer_id']}, {'columns': ['product_id']}]) }}
with

recommendations as (

    select * from {{ ref('stg_ml__customer_recommendations') }}

),

products as (

    select
        product_id,
        product_name
    from {{ ref('dim_products') }}

),

consents as (

    select
        customer_id,
        string_agg(distinct channel, ', ' order by channel) as channels
    from {{ ref('fct_consents') }}
    where
        is_current
        and purpose = 'marketing'
        and status = 'given'
        and customer_id is not null
    group by customer_id

)

select
    recommendations.customer_id || '/' || cast(recommendations.rank as text) as recommendation_id,
    recommendations.customer_id,
    recommendations.rank,
    recommendations.product_id,
    products.product_name,
    recommendations.method,
    recommendations.bought_with_product_id,
    recommendations.count_bought_together,
    case
        when recommendations.method = 'bought_with'
            then
                'bought with ' || coalesce(others.product_name, recommendations.bought_with_product_id) || ' by '
                || cast(recommendations.count_bought_together as text) || ' customers'
        else 'bought by ' || cast(cast(recommendations.score as bigint) as text) || ' customers lately'
    end as reason,
    recommendations.score,
    consents.channels is not null as has_marketing_consent,
    consents.channels as consented_channels,
    recommendations.as_of_date,
    recommendations.model_version,
    recommendations.scored_at
from recommendations
inner join products on recommendations.product_id = products.product_id
left join products as others on recommendations.bought_with_product_id = others.product_id
left join consents on recommendations.customer_id = consents.customer_id
