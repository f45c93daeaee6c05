-- Grain: one row per customer and month with any benefit or cost, and one per month for what no customer is known for.
-- All amounts are additive, in the reporting currency; costs are positive numbers. Nothing is left out: the sums over all
-- rows are those of the facts (tests/value_adds_up.sql).
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['customer_id']}, {'columns': ['month_start']}],
    meta={'kept': {
        'key': 'customer_value_month_id',
        'scope': {
            'column': 'customer_id',
            'is_nullable': true,
            'entities': ['valued.customer', 'payments.customer', 'contacts.customer']
        },
        'is_published': true
    }}
) }}
with

-- Requests that are contacts too stand among the interactions; the CRMs' cases stand only among the requests.
contacts as (

    select
        customer_id,
        started_date as day,
        channel,
        duration_seconds,
        coalesce(purpose in ('service', 'complaint'), false) as is_service
    from {{ ref('fct_interactions') }}
    where {{ in_scope("coalesce(customer_id, '')") }}
    union all
    select
        customer_id,
        opened_date as day,
        channel,
        null as duration_seconds,
        true as is_service
    from {{ ref('fct_service_requests') }}
    where
        request_type = 'case'
        and {{ in_scope("coalesce(customer_id, '')") }}

),

priced as (

    select
        contacts.customer_id,
        contacts.day,
        contacts.is_service,
        coalesce(costs.cost_per_contact, others.cost_per_contact)
        + coalesce(contacts.duration_seconds, 0) / 60.0 * coalesce(costs.cost_per_minute, others.cost_per_minute) as cost
    from contacts
    left join {{ ref('contact_costs') }} as costs on contacts.channel = costs.channel
    left join {{ ref('contact_costs') }} as others on others.channel = 'other'
    where contacts.day is not null

),

entries as (

    select
        customer_id,
        created_date as day,
        'payment_fee' as entry,
        fee_amount as amount
    from {{ ref('fct_payments') }}
    where {{ in_scope("coalesce(customer_id, '')") }}
    union all
    select
        customer_id,
        day,
        case when is_service then 'service_cost' else 'contact_cost' end as entry,
        cast(cost as numeric(16, 3)) as amount
    from priced

),

parts as (

    select
        customer_id,
        month_start,
        {{ entry_columns(['sales', 'returns', 'discount', 'other', 'known_cost', 'assumed_cost']) }},
        {{ entry_columns(['payment_fee', 'service_cost', 'contact_cost'], are_there=false) }}
    from {{ ref('int_orders__valued') }}
    where {{ in_scope("coalesce(customer_id, '')") }}
    union all
    select
        customer_id,
        cast(date_trunc('month', day) as date) as month_start,
        {{ entry_columns(['sales', 'returns', 'discount', 'other', 'known_cost', 'assumed_cost'], are_there=false) }},
        {{ entry_sums(['payment_fee', 'service_cost', 'contact_cost']) }}
    from entries
    group by customer_id, date_trunc('month', day)

),

months as (

    select
        customer_id,
        month_start,
        {{ column_sums([
            'sales', 'returns', 'discount', 'other', 'known_cost', 'assumed_cost',
            'payment_fee', 'service_cost', 'contact_cost'
        ]) }}
    from parts
    group by customer_id, month_start

)

select
    coalesce(customer_id, '(nobody)') || '/' || cast(month_start as text) as customer_value_month_id,
    customer_id,
    month_start,
    sales as sales_amount,
    -returns as returns_amount,
    -discount as discount_amount,
    other as other_amount,
    cast(sales + returns + discount + other as numeric(16, 3)) as net_amount,
    cast(known_cost + assumed_cost as numeric(16, 3)) as goods_cost_amount,
    assumed_cost as assumed_goods_cost_amount,
    cast(sales + returns + discount + other - known_cost - assumed_cost as numeric(16, 3)) as margin_amount,
    payment_fee as payment_fee_amount,
    service_cost as service_cost_amount,
    contact_cost as contact_cost_amount,
    cast(
        sales + returns + discount + other - known_cost - assumed_cost - payment_fee - service_cost - contact_cost
        as numeric(16, 3)
    ) as value_amount,
    cast('{{ var("currency") }}' as text) as currency
from months
