-- Grain: one row per key of a row of a list that any earlier night told or that was handed out before the night.
with recursive

told as (

    select
        list_key,
        list_id,
        customer_id,
        occasion,
        channel,
        cost,
        as_of_date as known_on,
        true as is_exported
    from {{ ref('stg_ops__decision_journal') }}
    union all
    select
        list_key,
        list_id,
        customer_id,
        occasion,
        channel,
        cost,
        valid_from as known_on,
        false as is_exported
    from {{ ref('stg_history__list_candidates') }}
    where
        status = 'member'
        and valid_from < {{ as_of_date() }}

),

-- What was handed out first counts, else what was told first.
keys as (

    select
        list_key,
        min(list_id) as list_id,
        min(occasion) as occasion,
        (array_agg(customer_id order by is_exported desc, known_on asc, customer_id asc))[1] as told_customer_id,
        (array_agg(channel order by is_exported desc, known_on asc, customer_id asc))[1] as channel,
        (array_agg(cost order by is_exported desc, known_on asc, customer_id asc))[1] as cost,
        min(known_on) filter (where is_exported) as first_exported_on
    from told
    group by list_key

),

living as (

    select customer_id
    from {{ ref('dim_customers') }}

),

mergers as (

    select
        customer_id,
        (array_agg(other_customer_id order by as_of_date desc, other_customer_id asc))[1] as other_customer_id
    from {{ ref('stg_identity__merge_log') }}
    where
        kind = 'person'
        and event = 'merged'
        and as_of_date <= {{ as_of_date() }}
    group by customer_id

),

-- Who was merged, perhaps again and again, is looked up until somebody who lives.
followed as (

    select distinct
        told_customer_id,
        told_customer_id as customer_id,
        0 as steps
    from keys
    union all
    select
        followed.told_customer_id,
        mergers.other_customer_id as customer_id,
        followed.steps + 1 as steps
    from followed
    inner join mergers on followed.customer_id = mergers.customer_id
    left join living on followed.customer_id = living.customer_id
    where
        followed.steps < 100
        and living.customer_id is null

),

found as (

    select
        followed.told_customer_id,
        min(followed.customer_id) as customer_id
    from followed
    inner join living on followed.customer_id = living.customer_id
    group by followed.told_customer_id

)

select
    keys.list_key,
    keys.list_id,
    keys.occasion,
    keys.told_customer_id,
    found.customer_id,
    keys.channel,
    keys.cost,
    keys.first_exported_on
from keys
left join found on keys.told_customer_id = found.told_customer_id
