-- Grain: one row per customer, channel and day on which the business contacted the customer (made), or that a row of a list was
-- handed out of which nothing is heard yet (planned). A call that a list asked for and the call centre tells of too is one.
with

told as (

    select
        customer_id,
        coalesce(channel, 'other') as channel,
        started_date as contact_date,
        'made' as kind,
        cast(null as text) as list_key
    from {{ ref('fct_interactions') }}
    where direction = 'outbound'
    union all
    select
        customer_id,
        channel,
        contacted_date as contact_date,
        'made' as kind,
        list_key
    from {{ ref('lst_outcomes') }}
    where
        exclusion_reason is null
        and is_contact
    union all
    select
        keys.customer_id,
        keys.channel,
        keys.first_exported_on as contact_date,
        'planned' as kind,
        keys.list_key
    from {{ ref('lst_keys') }} as keys
    where
        keys.first_exported_on is not null
        and not exists (
            select 1
            from {{ ref('lst_outcomes') }} as outcomes
            where
                outcomes.list_key = keys.list_key
                and outcomes.exclusion_reason is null
        )

)

select
    customer_id,
    coalesce(channel, 'other') as channel,
    contact_date,
    min(kind) as kind,
    min(list_key) as list_key
from told
where
    customer_id is not null
    and contact_date <= {{ as_of_date() }}
group by customer_id, coalesce(channel, 'other'), contact_date
