-- Grain: one row per key of a row of a list that any earlier night told or that was handed out before the night.
-- depends_on: {{ ref('stg_identity__assignments') }}
with

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

gone as (

    select distinct keys.told_customer_id
    from keys
    left join living on keys.told_customer_id = living.customer_id
    where living.customer_id is null

),

-- Who is gone is looked up by the records held to the last: of several who have them, the one with most.
moved as (

    select distinct on (gone.told_customer_id)
        gone.told_customer_id,
        living.customer_id
    from gone
    cross join lateral {{ heirs_of('gone.told_customer_id') }} as heirs
    inner join living on heirs.customer_id = living.customer_id
    order by gone.told_customer_id asc, heirs.count_records desc, living.customer_id asc

)

select
    keys.list_key,
    keys.list_id,
    keys.occasion,
    keys.told_customer_id,
    coalesce(living.customer_id, moved.customer_id) as customer_id,
    keys.channel,
    keys.cost,
    keys.first_exported_on
from keys
left join living on keys.told_customer_id = living.customer_id
left join moved on keys.told_customer_id = moved.told_customer_id
