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

),

joined as (

    select
        counted.*,
        heard.count_all_customers,
        coalesce(customers.is_shared_need, false) as is_shared_need,
        coalesce(customers.count_customers, 0) as count_customers,
        coalesce(customers.count_main_need_customers, 0) as count_main_need_customers
    from counted
    cross join heard
    left join customers on counted.need = customers.need

),

{{ hidden_groups(
    'guarded', 'joined', 'count_main_need_customers',
    is_small_part('count_customers', 'count_all_customers') ~ ' or ' ~ is_small_part('count_main_need_customers', 'count_customers')
    ~ ' or ' ~ is_small_group('count_voices'), totals=[[]], key=['need']
) }},

shares as (

    select
        *,
        cast(count_customers as numeric) / nullif(count_all_customers, 0) as customer_share,
        {{ wilson_bound('count_customers', 'count_all_customers', '-') }} as customer_share_low,
        {{ wilson_bound('count_customers', 'count_all_customers', '+') }} as customer_share_high,
        cast(count_negative_voices as numeric) / nullif(count_read_voices, 0) as negative_share,
        {{ wilson_bound('count_negative_voices', 'count_read_voices', '-') }} as negative_share_low,
        {{ wilson_bound('count_negative_voices', 'count_read_voices', '+') }} as negative_share_high
    from guarded

)

select
    need,
    is_shared_need,
    cast({{ shown('count_voices', 'is_hidden') }} as integer) as count_voices,
    cast({{ shown('count_customers', 'is_hidden') }} as integer) as count_customers,
    cast({{ shown('count_main_need_customers', 'is_hidden') }} as integer) as count_main_need_customers,
    cast({{ shown('customer_share', 'is_hidden') }} as numeric(6, 5)) as customer_share,
    cast({{ shown('customer_share_low', 'is_hidden') }} as numeric(6, 5)) as customer_share_low,
    cast({{ shown('customer_share_high', 'is_hidden') }} as numeric(6, 5)) as customer_share_high,
    cast({{ shown('count_read_voices', 'is_hidden') }} as integer) as count_read_voices,
    cast({{ shown('count_negative_voices', 'is_hidden') }} as integer) as count_negative_voices,
    cast({{ shown('count_positive_voices', 'is_hidden') }} as integer) as count_positive_voices,
    cast({{ shown('negative_share', 'is_hidden') }} as numeric(6, 5)) as negative_share,
    cast({{ shown('negative_share_low', 'is_hidden') }} as numeric(6, 5)) as negative_share_low,
    cast({{ shown('negative_share_high', 'is_hidden') }} as numeric(6, 5)) as negative_share_high,
    is_hidden as is_suppressed
from shares
