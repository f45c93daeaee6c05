-- Grain: one row per customer, axis and period in one segment, by the rules of the seed customer_segments.
-- The measures change only on the days on which an order begins to count or ceases to: between them nobody moves.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['customer_id']}, {'columns': ['axis', 'segment']}],
    meta={'kept': {
        'key': 'customer_segment_id',
        'scope': {'column': 'customer_id', 'entities': ['orders.customer'], 'reached': 'measures_moved'},
        'is_published': true
    }}
) }}
with

orders as (

    select
        customer_id,
        order_date,
        order_date = min(order_date) filter (where is_order_day) over (partition by customer_id) as is_first_day,
        is_order_day,
        amount
    from (
        select
            customer_id,
            order_date,
            bool_or(order_type = 'order' and not is_cancelled) as is_order_day,
            sum(amount) as amount
        from {{ ref('fct_orders') }}
        where
            customer_id is not null
            and order_date <= {{ as_of_date() }}
            and {{ in_scope('customer_id') }}
        group by customer_id, order_date
    ) as days

),

changes as (

    {{ measure_changes('orders') }}

),

measured as (

    select
        customer_id,
        changed_on,
        measure,
        sum(sum(change)) over (partition by customer_id, measure order by changed_on) as level
    from changes
    where changed_on <= {{ as_of_date() }}
    group by customer_id, changed_on, measure

),

-- Between leaves_below and enters_at nothing is decided: what was decided last holds.
decided as (

    select
        measured.customer_id,
        measured.changed_on,
        measured.level,
        rules.axis,
        rules.segment_rank,
        measured.level >= rules.enters_at as is_in,
        lag(measured.level >= rules.enters_at, 1, false) over (
            partition by measured.customer_id, rules.axis, rules.segment_rank order by measured.changed_on
        ) as was_in,
        rules.measure,
        rules.enters_at,
        rules.leaves_below
    from measured
    inner join {{ ref('customer_segments') }} as rules on measured.measure = rules.measure
    where
        measured.level >= rules.enters_at
        or measured.level < rules.leaves_below

),

-- Ranks that hold are the ones of a binary number; entering adds its one, leaving takes it away.
moved as (

    select
        customer_id,
        axis,
        changed_on,
        sum(sum(case when is_in then 1 else -1 end * cast(power(2, segment_rank) as bigint))) over (
            partition by customer_id, axis order by changed_on
        ) as ranks,
        string_agg(
            measure || ' ' || cast(cast(level as numeric(16, 2)) as text)
            || case when is_in then ' reaches ' else ' falls below ' end
            || cast(cast(case when is_in then enters_at else leaves_below end as numeric(16, 2)) as text),
            '; ' order by segment_rank desc
        ) as reason
    from decided
    where is_in <> was_in
    group by customer_id, axis, changed_on

),

-- The highest of the ranks; the half keeps the logarithm clear of whole numbers, which it might miss by a hair.
ranked as (

    select
        customer_id,
        axis,
        changed_on,
        reason,
        case
            when ranks > 0
                then cast(floor(ln(cast(ranks + 0.5 as double precision)) / ln(cast(2 as double precision))) as integer)
        end as segment_rank
    from moved

),

compared as (

    select
        *,
        lag(segment_rank) over (partition by customer_id, axis order by changed_on) as previous_rank
    from ranked

),

periods as (

    select
        *,
        lead(changed_on) over (partition by customer_id, axis order by changed_on) as ended_on
    from compared
    where segment_rank is distinct from previous_rank

)

select
    periods.customer_id || '/' || periods.axis || '/' || cast(periods.changed_on as text) as customer_segment_id,
    periods.customer_id,
    periods.axis,
    rules.segment,
    before.segment as previous_segment,
    periods.reason,
    periods.changed_on as valid_from,
    periods.ended_on as valid_to,
    periods.ended_on is null as is_current
from periods
inner join {{ ref('customer_segments') }} as rules
    on
        periods.axis = rules.axis
        and periods.segment_rank = rules.segment_rank
left join {{ ref('customer_segments') }} as before
    on
        periods.axis = before.axis
        and periods.previous_rank = before.segment_rank
