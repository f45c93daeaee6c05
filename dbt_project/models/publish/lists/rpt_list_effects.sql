-- Grain: one row per list: how many of those on it, and of those held out from it, ordered in the days after they came on it.
-- A customer counts once per list, from the first time on; only customers whose days are over by the night count.
with

entered as (

    select
        list_id,
        customer_id,
        valid_from,
        true as is_treated
    from {{ ref('fct_list_members') }}
    union all
    select
        list_id,
        customer_id,
        valid_from,
        false as is_treated
    from {{ ref('fct_list_holdouts') }}

),

-- Who was on the list and is held out now, or was merged with somebody who is, belongs to neither group.
first_entries as (

    select
        list_id,
        customer_id,
        bool_or(is_treated) as is_treated,
        min(valid_from) as entered_on
    from entered
    group by list_id, customer_id
    having bool_or(is_treated) = bool_and(is_treated)

),

customers as (

    select customer_id
    from {{ ref('dim_customers') }}

),

orders as (

    select
        customer_id,
        order_date
    from {{ ref('fct_orders') }}
    where
        order_type = 'order'
        and not is_cancelled

),

responses as (

    select
        entries.list_id,
        entries.customer_id,
        entries.is_treated,
        count(orders.order_date) > 0 as has_ordered
    from first_entries as entries
    inner join customers on entries.customer_id = customers.customer_id
    left join orders
        on
            entries.customer_id = orders.customer_id
            and entries.entered_on < orders.order_date
            and entries.entered_on + {{ var('list_effect_days') }} >= orders.order_date
    where entries.entered_on + {{ var('list_effect_days') }} <= {{ as_of_date() }}
    group by entries.list_id, entries.customer_id, entries.is_treated

),

contacted as (

    select
        list_id,
        count(distinct customer_id) filter (where is_contact) as count_contacted
    from {{ ref('fct_list_outcomes') }}
    group by list_id

),

counted as (

    select
        list_id,
        cast(count(*) filter (where is_treated) as double precision) as treated,
        cast(count(*) filter (where is_treated and has_ordered) as double precision) as treated_orders,
        cast(count(*) filter (where not is_treated) as double precision) as held_out,
        cast(count(*) filter (where not is_treated and has_ordered) as double precision) as held_out_orders
    from responses
    group by list_id

),

bounded as (

    select
        *,
        treated_orders / nullif(treated, 0) as treated_share,
        {{ wilson_bound('treated_orders', 'treated', '-') }} as treated_low,
        {{ wilson_bound('treated_orders', 'treated', '+') }} as treated_high,
        held_out_orders / nullif(held_out, 0) as held_out_share,
        {{ wilson_bound('held_out_orders', 'held_out', '-') }} as held_out_low,
        {{ wilson_bound('held_out_orders', 'held_out', '+') }} as held_out_high
    from counted

),

compared as (

    select
        *,
        treated_share - held_out_share as uplift,
        {{ newcombe_bound('treated', 'held_out', '-') }} as uplift_low,
        {{ newcombe_bound('treated', 'held_out', '+') }} as uplift_high
    from bounded

)

select
    lists.list_id,
    {{ var('list_effect_days') }} as effect_days,
    cast(coalesce(compared.treated, 0) as integer) as count_listed,
    cast(coalesce(contacted.count_contacted, 0) as integer) as count_contacted,
    cast(coalesce(compared.treated_orders, 0) as integer) as count_listed_ordered,
    cast(coalesce(compared.held_out, 0) as integer) as count_held_out,
    cast(coalesce(compared.held_out_orders, 0) as integer) as count_held_out_ordered,
    cast(compared.treated_share as numeric(5, 4)) as listed_share,
    cast(compared.treated_low as numeric(5, 4)) as listed_share_low,
    cast(compared.treated_high as numeric(5, 4)) as listed_share_high,
    cast(compared.held_out_share as numeric(5, 4)) as held_out_share,
    cast(compared.held_out_low as numeric(5, 4)) as held_out_share_low,
    cast(compared.held_out_high as numeric(5, 4)) as held_out_share_high,
    cast(compared.uplift as numeric(5, 4)) as uplift,
    cast(compared.uplift_low as numeric(5, 4)) as uplift_low,
    cast(compared.uplift_high as numeric(5, 4)) as uplift_high,
    case
        when least(coalesce(compared.treated, 0), coalesce(compared.held_out, 0)) < {{ var('list_effect_customers') }}
            then 'too few customers to tell'
        when compared.uplift_low > 0 then 'more orders'
        when compared.uplift_high < 0 then 'fewer orders'
        else 'no difference shown'
    end as verdict
from {{ ref('dim_lists') }} as lists
left join compared on lists.list_id = compared.list_id
left join contacted on lists.list_id = contacted.list_id
