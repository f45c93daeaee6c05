-- Grain: one row per customer, with what the rules of lists may ask. Scores are rounded, so that words do not change with each
-- night's last digit.
{{ config(indexes=[{'columns': ['customer_id'], 'unique': true}]) }}
with

stages as (

    select
        customer_id,
        valid_from as stage_since
    from {{ ref('fct_customer_lifecycle') }}
    where is_current

),

key_accounts as (

    select
        customer_id,
        segment as key_account
    from {{ ref('fct_customer_segments') }}
    where
        axis = 'key_account'
        and is_current

),

-- A visit that met nobody is none.
visits as (

    select
        customer_id,
        max(visited_on) as last_visit_date
    from (
        select
            customer_id,
            started_date as visited_on
        from {{ ref('fct_interactions') }}
        where channel = 'visit'
        union all
        select
            customer_id,
            contacted_date as visited_on
        from {{ ref('lst_outcomes') }}
        where
            channel = 'visit'
            and is_contact
            and is_final
            and exclusion_reason is null
    ) as told
    group by customer_id

)

select
    traits.customer_id,
    traits.as_of_date,
    traits.country,
    traits.is_company_contact,
    traits.has_mail,
    traits.has_phone,
    traits.has_mail_consent,
    traits.completeness_share,
    traits.count_sources,
    traits.first_known_date,
    traits.lifecycle_stage,
    traits.has_purchased,
    traits.first_order_date,
    traits.last_order_date,
    traits.count_orders,
    traits.count_orders_365d,
    cast(traits.net_amount as numeric(16, 2)) as net_amount,
    traits.average_order_amount,
    traits.largest_order_amount,
    traits.returned_share,
    traits.count_credit_notes,
    traits.weekend_order_share,
    traits.count_products,
    traits.pieces_per_line,
    traits.count_requests,
    traits.count_open_requests,
    traits.count_complaints,
    traits.last_complaint_date,
    traits.last_csat_score,
    traits.last_nps_group,
    traits.count_interactions,
    traits.last_interaction_date,
    traits.last_interaction_channel,
    traits.count_web_sessions,
    traits.last_web_session_date,
    traits.count_mentions,
    traits.last_mention_date,
    stages.stage_since,
    key_accounts.key_account,
    visits.last_visit_date,
    scored.segment,
    scored.model_version as segment_model_version,
    cast(round(cast(customer_values.customer_value as numeric), 0) as numeric(16, 0)) as customer_value,
    cast(round(cast(customer_values.probability_alive as numeric), 2) as numeric(3, 2)) as probability_alive,
    customer_values.model_version as value_model_version,
    cast(round(cast(churn.churn_probability as numeric), 2) as numeric(3, 2)) as churn_probability,
    churn.model_version as churn_model_version,
    array_remove(array[
        case when customers.phone is not null then 'phone' end,
        case when customers.phone is not null then 'sms' end,
        case when customers.mail is not null then 'mail' end,
        case when customers.street is not null and coalesce(customers.postcode, customers.city) is not null then 'post' end,
        case when customers.company_id is not null or customers.street is not null then 'visit' end
    ], null) as reachable_by,
    {{ is_held_out('traits.customer_id') }} as is_holdout,
    cast(date_trunc('month', {{ as_of_date() }}) as date) as month_start,
    cast(date_trunc('month', {{ as_of_date() }}) + interval '1 month - 1 day' as date) as month_end,
    cast(date_trunc('quarter', {{ as_of_date() }}) as date) as quarter_start,
    cast(date_trunc('quarter', {{ as_of_date() }}) + interval '3 months - 1 day' as date) as quarter_end
from {{ ref('ftr_customer_traits') }} as traits
inner join {{ ref('dim_customers') }} as customers on traits.customer_id = customers.customer_id
left join stages on traits.customer_id = stages.customer_id
left join key_accounts on traits.customer_id = key_accounts.customer_id
left join visits on traits.customer_id = visits.customer_id
left join {{ ref('stg_ml__customer_segments') }} as scored on traits.customer_id = scored.customer_id
left join {{ ref('stg_ml__customer_values') }} as customer_values on traits.customer_id = customer_values.customer_id
left join {{ ref('stg_ml__customer_churn') }} as churn on traits.customer_id = churn.customer_id
