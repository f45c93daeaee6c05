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

requests as (

    select
        customer_id,
        count(*) as count_requests,
        count(*) filter (where resolved_at is null) as count_open_requests,
        count(*) filter (where request_type = 'complaint') as count_complaints
    from {{ ref('fct_service_requests') }}
    where customer_id is not null
    group by customer_id

),

answers as (

    select
        customer_id,
        (array_agg(score order by answered_at desc, response_id asc) filter (where survey = 'csat'))[1] as last_csat_score,
        (array_agg(score_group order by answered_at desc, response_id asc) filter (where survey = 'nps'))[1] as last_nps_group
    from {{ ref('fct_survey_responses') }}
    where
        customer_id is not null
        and is_answered
        and score is not null
    group by customer_id

),

contacts as (

    select
        customer_id,
        count(*) as count_interactions,
        max(started_date) as last_interaction_date,
        (array_agg(channel order by started_at desc, interaction_id asc))[1] as last_interaction_channel
    from {{ ref('fct_interactions') }}
    where customer_id is not null
    group by customer_id

),

visits as (

    select
        customer_id,
        count(*) as count_web_sessions,
        max(started_date) as last_web_session_date
    from {{ ref('fct_web_sessions') }}
    where customer_id is not null
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
    cast(coalesce(requests.count_requests, 0) as integer) as count_requests,
    cast(coalesce(requests.count_open_requests, 0) as integer) as count_open_requests,
    cast(coalesce(requests.count_complaints, 0) as integer) as count_complaints,
    cast(answers.last_csat_score as numeric(5, 2)) as last_csat_score,
    answers.last_nps_group,
    cast(coalesce(contacts.count_interactions, 0) as integer) as count_interactions,
    contacts.last_interaction_date,
    contacts.last_interaction_channel,
    cast(coalesce(visits.count_web_sessions, 0) as integer) as count_web_sessions,
    visits.last_web_session_date,
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
    cast(coalesce(months.value_amount, 0) as numeric(16, 3)) as value_to_date_amount,
    {{ as_of_date() }} as as_of_date
from customers
left join companies on customers.company_id = companies.company_id
left join stages on customers.customer_id = stages.customer_id
left join consents on customers.customer_id = consents.customer_id
left join requests on customers.customer_id = requests.customer_id
left join answers on customers.customer_id = answers.customer_id
left join contacts on customers.customer_id = contacts.customer_id
left join visits on customers.customer_id = visits.customer_id
left join scores on customers.customer_id = scores.customer_id
left join segments on customers.customer_id = segments.customer_id
left join months on customers.customer_id = months.customer_id
