-- Grain: one row per need that customers speak of. Voices and customers are not additive: one text may speak of several needs.
with

voices as (

    select * from {{ ref('fct_feedback_themes') }}
    where is_own_brand is not false

),

customers as (

    select
        need,
        bool_or(is_shared_need) as is_shared_need,
        count(*) as count_customers,
        count(*) filter (where is_main_need) as count_main_need_customers
    from {{ ref('fct_customer_needs') }}
    group by need

),

heard as (

    select count(distinct customer_id) as count_all_customers
    from {{ ref('fct_customer_needs') }}

),

counted as (

    select
        theme as need,
        count(*) as count_voices,
        count(*) filter (where sentiment <> 'unknown') as count_read_voices,
        count(*) filter (where sentiment = 'negative') as count_negative_voices,
        count(*) filter (where sentiment = 'positive') as count_positive_voices
    from voices
    group by theme

)

select
    counted.need,
    coalesce(customers.is_shared_need, false) as is_shared_need,
    cast(counted.count_voices as integer) as count_voices,
    cast(coalesce(customers.count_customers, 0) as integer) as count_customers,
    cast(coalesce(customers.count_main_need_customers, 0) as integer) as count_main_need_customers,
    cast(cast(coalesce(customers.count_customers, 0) as numeric) / nullif(heard.count_all_customers, 0) as numeric(6, 5))
        as customer_share,
    cast({{ wilson_bound('coalesce(customers.count_customers, 0)', 'heard.count_all_customers', '-') }} as numeric(6, 5))
        as customer_share_low,
    cast({{ wilson_bound('coalesce(customers.count_customers, 0)', 'heard.count_all_customers', '+') }} as numeric(6, 5))
        as customer_share_high,
    cast(counted.count_read_voices as integer) as count_read_voices,
    cast(counted.count_negative_voices as integer) as count_negative_voices,
    cast(counted.count_positive_voices as integer) as count_positive_voices,
    cast(cast(counted.count_negative_voices as numeric) / nullif(counted.count_read_voices, 0) as numeric(6, 5))
        as negative_share,
    cast({{ wilson_bound('counted.count_negative_voices', 'counted.count_read_voices', '-') }} as numeric(6, 5))
        as negative_share_low,
    cast({{ wilson_bound('counted.count_negative_voices', 'counted.count_read_voices', '+') }} as numeric(6, 5))
        as negative_share_high
from counted
cross join heard
left join customers on counted.need = customers.need
