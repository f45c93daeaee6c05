-- Grain: one row per customer, with what the rules of tags may ask. A tag keeps the values that its rule names, so traits are
-- days and counts that change when something happens, not ages that change each night.
with

customers as (

    select * from {{ ref('dim_customers') }}

),

stages as (

    select
        customer_id,
        stage
    from {{ ref('fct_customer_lifecycle') }}
    where is_current

),

baskets as (

    select * from {{ ref('ftr_customer_baskets') }}

),

recent_orders as (

    select
        customer_id,
        count(*) as count_orders
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and not is_cancelled
        and customer_id is not null
        and order_date > {{ as_of_date() }} - 365
    group by customer_id

),

consents as (

    select distinct customer_id
    from {{ ref('fct_consents') }}
    where
        is_current
        and channel = 'mail'
        and purpose = 'marketing'
        and status = 'given'

),

requests as (

    select
        customer_id,
        count(*) as count_requests,
        count(*) filter (where resolved_at is null) as count_open_requests,
        count(*) filter (where request_type = 'complaint') as count_complaints,
        max(opened_date) filter (where request_type = 'complaint') as last_complaint_date
    from {{ ref('fct_service_requests') }}
    group by customer_id

),

answers as (

    select
        customer_id,
        (array_agg(score order by answered_at desc, response_id asc) filter (where survey = 'csat'))[1] as last_csat_score,
        (array_agg(score_group order by answered_at desc, response_id asc) filter (where survey = 'nps'))[1] as last_nps_group
    from {{ ref('fct_survey_responses') }}
    where
        is_answered
        and score is not null
    group by customer_id

),

contacts as (

    select
        customer_id,
        count(*) as count_interactions,
        max(started_date) as last_interaction_date,
        (array_agg(channel order by started_at desc nulls last, interaction_id asc))[1] as last_interaction_channel
    from {{ ref('fct_interactions') }}
    group by customer_id

),

visits as (

    select
        customer_id,
        count(*) as count_web_sessions,
        max(started_date) as last_web_session_date
    from {{ ref('fct_web_sessions') }}
    group by customer_id

),

mentions as (

    select
        customer_id,
        count(*) as count_mentions,
        max(mentioned_date) as last_mention_date
    from {{ ref('fct_social_mentions') }}
    group by customer_id

)

select
    customers.customer_id,
    {{ as_of_date() }} as as_of_date,
    customers.country,
    customers.company_id is not null as is_company_contact,
    customers.mail is not null as has_mail,
    customers.phone is not null as has_phone,
    consents.customer_id is not null as has_mail_consent,
    customers.completeness_share,
    customers.count_sources,
    customers.first_known_date,
    stages.stage as lifecycle_stage,
    customers.has_purchased,
    baskets.first_order_date,
    baskets.last_order_date,
    coalesce(baskets.count_orders, 0) as count_orders,
    cast(coalesce(recent_orders.count_orders, 0) as integer) as count_orders_365d,
    customers.net_amount,
    baskets.average_order_amount,
    baskets.largest_order_amount,
    cast(
        (customers.gross_amount - customers.net_amount) / nullif(customers.gross_amount, 0) as numeric(16, 3)
    ) as returned_share,
    customers.count_credit_notes,
    baskets.weekend_order_share,
    coalesce(baskets.count_products, 0) as count_products,
    baskets.pieces_per_line,
    cast(coalesce(requests.count_requests, 0) as integer) as count_requests,
    cast(coalesce(requests.count_open_requests, 0) as integer) as count_open_requests,
    cast(coalesce(requests.count_complaints, 0) as integer) as count_complaints,
    requests.last_complaint_date,
    cast(answers.last_csat_score as numeric(5, 2)) as last_csat_score,
    answers.last_nps_group,
    cast(coalesce(contacts.count_interactions, 0) as integer) as count_interactions,
    contacts.last_interaction_date,
    contacts.last_interaction_channel,
    cast(coalesce(visits.count_web_sessions, 0) as integer) as count_web_sessions,
    visits.last_web_session_date,
    cast(coalesce(mentions.count_mentions, 0) as integer) as count_mentions,
    mentions.last_mention_date
from customers
left join stages on customers.customer_id = stages.customer_id
left join baskets on customers.customer_id = baskets.customer_id
left join recent_orders on customers.customer_id = recent_orders.customer_id
left join consents on customers.customer_id = consents.customer_id
left join requests on customers.customer_id = requests.customer_id
left join answers on customers.customer_id = answers.customer_id
left join contacts on customers.customer_id = contacts.customer_id
left join visits on customers.customer_id = visits.customer_id
left join mentions on customers.customer_id = mentions.customer_id
