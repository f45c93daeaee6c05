-- Grain: one row per list, held out customer, occasion, and period in which the customer would have been on the list.
with

kept as (

    select
        *,
        lag(valid_to) over (partition by list_key, customer_id order by valid_from) as previous_to
    from {{ ref('stg_history__list_candidates') }}
    where status = 'holdout'

),

numbered as (

    select
        *,
        count(*) filter (where previous_to is null or previous_to < valid_from) over (
            partition by list_key, customer_id order by valid_from
        ) as period
    from kept

)

select
    list_key,
    list_id,
    customer_id,
    occasion,
    min(valid_from) as valid_from,
    (array_agg(valid_to order by valid_from desc))[1] as valid_to,
    (array_agg(valid_to order by valid_from desc))[1] is null as is_current
from numbered
group by list_key, list_id, customer_id, occasion, period
