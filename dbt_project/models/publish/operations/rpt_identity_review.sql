-- Grain: one row per pair of records of which it is doubtful whether they are one customer, the most money first.
-- Between two customers the strongest such pair stands for all. Within one customer, records that firm links hold
-- together are a group, and each group shows the strongest of the doubtful links that hold it to the others.
{% set firm_probability = 0.9 -%} {# from here on nobody doubts a link within a customer #}
with recursive

thresholds as (

    select
        kind,
        cast(counts ->> 'link_probability' as double precision) as link_probability
    from {{ ref('stg_identity__nights') }}
    where as_of_date = {{ as_of_date() }}

),

assignments as (

    select * from {{ ref('stg_identity__assignments') }}

),

links as (

    select
        links.kind,
        links.left_key,
        links.right_key,
        links.rule,
        links.match_probability,
        links.evidence,
        left_side.customer_id as left_customer_id,
        right_side.customer_id as right_customer_id,
        least(left_side.customer_id, right_side.customer_id) as first_customer_id,
        greatest(left_side.customer_id, right_side.customer_id) as second_customer_id
    from {{ ref('stg_identity__links') }} as links
    inner join assignments as left_side
        on
            links.kind = left_side.kind
            and links.left_key = left_side.record_key
    inner join assignments as right_side
        on
            links.kind = right_side.kind
            and links.right_key = right_side.record_key

),

judged as (

    select distinct
        kind,
        first_customer_id,
        second_customer_id
    from links
    where rule = 'decision'

),

between_customers as (

    -- What a person has judged is not asked again.
    select distinct on (links.kind, links.first_customer_id, links.second_customer_id)
        links.*,
        case
            when links.rule <> 'model' then 'two customers: the rule ' || links.rule || ' says one, the rest contradicts it'
            when links.match_probability >= thresholds.link_probability then 'two customers: alike, but the rest contradicts it'
            else 'two customers: may be one'
        end as reason
    from links
    inner join thresholds on links.kind = thresholds.kind
    left join judged
        on
            links.kind = judged.kind
            and links.first_customer_id = judged.first_customer_id
            and links.second_customer_id = judged.second_customer_id
    where
        links.left_customer_id <> links.right_customer_id
        and judged.kind is null
    order by
        links.kind asc,
        links.first_customer_id asc,
        links.second_customer_id asc,
        links.match_probability desc,
        links.left_key asc,
        links.right_key asc,
        links.rule asc

),

doubtful_links as (

    select * from links
    where
        left_customer_id = right_customer_id
        and match_probability < {{ firm_probability }}

),

firm_links as (

    select
        kind,
        left_key as record_key,
        right_key as neighbour_key
    from links
    where
        left_customer_id = right_customer_id
        and match_probability >= {{ firm_probability }}

),

firm_neighbours as (

    select * from firm_links
    union
    select
        kind,
        neighbour_key as record_key,
        record_key as neighbour_key
    from firm_links

),

reached as (

    select
        kind,
        left_key as record_key,
        left_key as reached_key
    from doubtful_links
    union
    select
        kind,
        right_key as record_key,
        right_key as reached_key
    from doubtful_links
    union
    select
        reached.kind,
        reached.record_key,
        firm_neighbours.neighbour_key as reached_key
    from reached
    inner join firm_neighbours
        on
            reached.kind = firm_neighbours.kind
            and reached.reached_key = firm_neighbours.record_key

),

firm_groups as (

    select
        kind,
        record_key,
        min(reached_key) as firm_group
    from reached
    group by kind, record_key

),

loose_links as (

    select
        doubtful_links.*,
        left_side.firm_group as left_group,
        right_side.firm_group as right_group
    from doubtful_links
    inner join firm_groups as left_side
        on
            doubtful_links.kind = left_side.kind
            and doubtful_links.left_key = left_side.record_key
    inner join firm_groups as right_side
        on
            doubtful_links.kind = right_side.kind
            and doubtful_links.right_key = right_side.record_key
    where left_side.firm_group <> right_side.firm_group

),

sides as (

    select
        *,
        left_group as firm_group
    from loose_links
    union all
    select
        *,
        right_group as firm_group
    from loose_links

),

strongest as (

    select distinct on (kind, firm_group) *
    from sides
    order by kind asc, firm_group asc, match_probability desc, left_key asc, right_key asc

),

doubtful as (

    select
        kind,
        left_key,
        right_key,
        left_customer_id,
        right_customer_id,
        match_probability,
        evidence,
        reason
    from between_customers
    union
    select
        kind,
        left_key,
        right_key,
        left_customer_id,
        right_customer_id,
        match_probability,
        evidence,
        'one customer: nothing firmer holds the two together' as reason
    from strongest

),

person_orders as (

    select
        assignments.customer_id,
        count(*) as count_orders,
        sum(orders.amount) as amount
    from assignments
    inner join {{ ref('fct_orders') }} as orders on assignments.record_key = 'shop.orders:' || orders.order_id
    where assignments.kind = 'person'
    group by assignments.customer_id

),

customer_orders as (

    select * from person_orders
    union all
    select
        people.company_customer_id as customer_id,
        sum(person_orders.count_orders) as count_orders,
        sum(person_orders.amount) as amount
    from {{ ref('int_company_people__matched') }} as people
    inner join person_orders on people.person_customer_id = person_orders.customer_id
    where people.valid_to is null
    group by people.company_customer_id

),

weighed as (

    -- If two customers were one, what the lesser of them bought would be somebody else's.
    select
        doubtful.*,
        least(coalesce(left_orders.count_orders, 0), coalesce(right_orders.count_orders, 0)) as count_orders_affected,
        least(coalesce(left_orders.amount, 0), coalesce(right_orders.amount, 0)) as amount_affected
    from doubtful
    left join customer_orders as left_orders on doubtful.left_customer_id = left_orders.customer_id
    left join customer_orders as right_orders on doubtful.right_customer_id = right_orders.customer_id

)

select
    kind,
    left_key,
    right_key,
    left_customer_id,
    right_customer_id,
    cast(match_probability as numeric(6, 4)) as match_probability,
    reason,
    cast(evidence as text) as evidence,
    cast(count_orders_affected as integer) as count_orders_affected,
    cast(amount_affected as numeric(16, 3)) as amount_affected,
    cast(row_number() over (
        order by amount_affected desc, count_orders_affected desc, match_probability desc, kind asc, left_key asc, right_key asc
    ) as integer) as priority
from weighed
