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

),

joined as (

    select
        lists.list_id,
        compared.treated_share,
        compared.treated_low,
        compared.treated_high,
        compared.held_out_share,
        compared.held_out_low,
        compared.held_out_high,
        compared.uplift,
        compared.uplift_low,
        compared.uplift_high,
        cast(coalesce(compared.treated, 0) as integer) as count_listed,
        cast(coalesce(contacted.count_contacted, 0) as integer) as count_contacted,
        cast(coalesce(compared.treated_orders, 0) as integer) as count_listed_ordered,
        cast(coalesce(compared.held_out, 0) as integer) as count_held_out,
        cast(coalesce(compared.held_out_orders, 0) as integer) as count_held_out_ordered
    from {{ ref('dim_lists') }} as lists
    left join compared on lists.list_id = compared.list_id
    left join contacted on lists.list_id = contacted.list_id

),

-- Lists share customers, so that no total is known that would give a group back.
guarded as (

    select
        *,
        {{ is_small_part('count_listed_ordered', 'count_listed') }} as is_listed_hidden,
        {{ is_small_part('count_held_out_ordered', 'count_held_out') }} as is_held_out_hidden
    from joined

)

select
    list_id,
    {{ var('list_effect_days') }} as effect_days,
    case when not ({{ is_small_group('count_listed') }}) then count_listed end as count_listed,
    case when not ({{ is_small_group('count_contacted') }}) then count_contacted end as count_contacted,
    {{ shown('count_listed_ordered', 'is_listed_hidden') }} as count_listed_ordered,
    case when not ({{ is_small_group('count_held_out') }}) then count_held_out end as count_held_out,
    {{ shown('count_held_out_ordered', 'is_held_out_hidden') }} as count_held_out_ordered,
    cast({{ shown('treated_share', 'is_listed_hidden') }} as numeric(5, 4)) as listed_share,
    cast({{ shown('treated_low', 'is_listed_hidden') }} as numeric(5, 4)) as listed_share_low,
    cast({{ shown('treated_high', 'is_listed_hidden') }} as numeric(5, 4)) as listed_share_high,
    cast({{ shown('held_out_share', 'is_held_out_hidden') }} as numeric(5, 4)) as held_out_share,
    cast({{ shown('held_out_low', 'is_held_out_hidden') }} as numeric(5, 4)) as held_out_share_low,
    cast({{ shown('held_out_high', 'is_held_out_hidden') }} as numeric(5, 4)) as held_out_share_high,
    cast({{ shown('uplift', '(is_listed_hidden or is_held_out_hidden)') }} as numeric(5, 4)) as uplift,
    cast({{ shown('uplift_low', '(is_listed_hidden or is_held_out_hidden)') }} as numeric(5, 4)) as uplift_low,
    cast({{ shown('uplift_high', '(is_listed_hidden or is_held_out_hidden)') }} as numeric(5, 4)) as uplift_high,
    case
        when least(count_listed, count_held_out) < {{ var('list_effect_customers') }} then 'too few customers to tell'
        when uplift_low > 0 then 'more orders'
        when uplift_high < 0 then 'fewer orders'
        else 'no difference shown'
    end as verdict,
    is_listed_hidden or is_held_out_hidden or {{ is_small_group('count_contacted') }} as is_suppressed
from guarded
