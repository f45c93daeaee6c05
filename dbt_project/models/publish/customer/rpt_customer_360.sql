-- Grain: one row per customer: who they are, what they bought, how they are, what they said, what to expect and to do.
{{ config(indexes=[{'columns': ['company_id']}, {'columns': ['mail']}, {'columns': ['phone']}]) }}
with

customers as (

    select * from {{ ref('dim_customers') }}

),

companies as (

    select
        company_id,
        name as company_name
    from {{ ref('dim_companies') }}

),

stages as (

    select
        lifecycle.customer_id,
        lifecycle.stage,
        lifecycle.valid_from,
        meanings.action_en,
        meanings.action_zh
    from {{ ref('fct_customer_lifecycle') }} as lifecycle
    inner join {{ ref('lifecycle_stages') }} as meanings on lifecycle.stage = meanings.stage
    where lifecycle.is_current

),

consents as (

    select
        customer_id,
        string_agg(distinct channel, ', ' order by channel) as consented_channels
    from {{ ref('fct_consents') }}
    where
        is_current
        and status = 'given'
        and customer_id is not null
    group by customer_id

),

traits as (

    select * from {{ ref('ftr_customer_traits') }}

),

tags as (

    select
        customer_id,
        string_agg(tag_id, ', ' order by tag_id) as tags
    from {{ ref('fct_customer_tags') }}
    where is_current
    group by customer_id

),

segments as (

    select
        customer_id,
        max(segment) filter (where axis = 'key_account') as key_account,
        max(segment) filter (where axis = 'loyalty') as loyalty
    from {{ ref('fct_customer_segments') }}
    where is_current
    group by customer_id

),

months as (

    select
        customer_id,
        sum(value_amount) as value_amount
    from {{ ref('fct_customer_value_months') }}
    where customer_id is not null
    group by customer_id

),

scores as (

    select * from {{ ref('fct_customer_scores') }}

)

select
    customers.customer_id,
    customers.full_name,
    customers.mail,
    customers.phone,
    customers.city,
    customers.country,
    customers.company_id,
    companies.company_name,
    customers.title,
    customers.completeness_share,
    customers.staleness_days,
    consents.consented_channels,
    stages.stage as lifecycle_stage,
    stages.valid_from as lifecycle_stage_since,
    stages.action_en as recommended_action_en,
    stages.action_zh as recommended_action_zh,
    customers.has_purchased,
    customers.first_order_date,
    customers.last_order_date,
    {{ as_of_date() }} - customers.last_order_date as days_since_last_order,
    customers.count_orders,
    customers.count_credit_notes,
    customers.gross_amount,
    customers.net_amount,
    customers.currency,
    traits.count_requests,
    traits.count_open_requests,
    traits.count_complaints,
    traits.last_csat_score,
    traits.last_nps_group,
    traits.count_interactions,
    traits.last_interaction_date,
    traits.last_interaction_channel,
    traits.count_web_sessions,
    traits.last_web_session_date,
    scores.segment,
    scores.previous_segment,
    scores.recency_score,
    scores.frequency_score,
    scores.monetary_score,
    scores.expected_purchases,
    scores.customer_value,
    scores.customer_value_change,
    scores.value_method,
    scores.churn_probability,
    scores.churn_method,
    segments.key_account,
    segments.loyalty,
    tags.tags,
    cast(coalesce(months.value_amount, 0) as numeric(16, 3)) as value_to_date_amount,
    {{ as_of_date() }} as as_of_date
from customers
left join companies on customers.company_id = companies.company_id
left join stages on customers.customer_id = stages.customer_id
left join consents on customers.customer_id = consents.customer_id
inner join traits on customers.customer_id = traits.customer_id
left join tags on customers.customer_id = tags.customer_id
left join scores on customers.customer_id = scores.customer_id
left join segments on customers.customer_id = segments.customer_id
left join months on customers.customer_id = months.customer_id
