-- Grain: one row per customer: a person whom any source knows, as known on the night.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['company_id']}],
    meta={'kept': {
        'key': 'customer_id',
        'scope': {
            'column': 'customer_id',
            'entities': ['told.customer', 'employed.customer', 'orders.customer', 'classified.invoice'],
            'reached': 'customers_of_lines_and_first_days'
        },
        'tells': {'customers.customer': ['customer_id']},
        'by_night': {'staleness_days': 'greatest({day} - last_told_date, 0)'},
        'is_published': true
    }}
) }}
with

records as (

    select * from {{ ref('int_customer_records__counted') }}
    where {{ in_scope('customer_id') }}

),

fields as (

    select
        customer_id,
        {{ fields_beside() }}
    from {{ ref('int_customer_fields__survived') }}
    where {{ in_scope('customer_id') }}
    group by customer_id

),

employers as (

    select
        person_customer_id as customer_id,
        max(company_customer_id) as company_id
    from {{ ref('int_company_people__matched') }}
    where
        valid_to is null
        and {{ in_scope('person_customer_id') }}
    group by person_customer_id

),

bought as (

    select * from {{ ref('fct_orders') }}
    where
        customer_id is not null
        and {{ in_scope('customer_id') }}

),

countries as (

    select
        bought.customer_id,
        lines.country,
        row_number() over (
            partition by bought.customer_id order by lines.invoiced_at desc, lines.order_line_id desc
        ) as newness
    from bought
    inner join {{ ref('int_order_lines__classified') }} as lines
        on
            bought.order_id = lines.invoice_number
            and bought.customer_id = lines.customer_id
    where
        lines.exclusion_reason is null
        and lines.country is not null

),

orders as (

    select
        customer_id,
        min(ordered_at) as first_ordered_at,
        min(order_date) filter (where order_type = 'order') as first_order_date,
        max(order_date) filter (where order_type = 'order') as last_order_date,
        max(ordered_at) as last_ordered_at,
        count(*) filter (where order_type = 'order') as count_orders,
        count(*) filter (where order_type = 'credit_note') as count_credit_notes,
        sum(amount) filter (where order_type = 'order') as gross_amount,
        sum(amount) as net_amount,
        count(distinct account_id) as count_accounts
    from bought
    group by customer_id

),

customers as (

    select customer_id from records
    union
    select customer_id from orders

),

known as (

    select
        customers.customer_id,
        orders.customer_id is not null as has_purchased,
        fields.full_name,
        fields.full_name_source,
        cast(fields.birth_date as date) as birth_date,
        fields.birth_date_source,
        fields.mail,
        fields.mail_source,
        fields.phone,
        fields.phone_source,
        fields.street,
        fields.street_source,
        fields.postcode,
        fields.postcode_source,
        fields.city,
        fields.city_source,
        coalesce(countries.country, fields.country) as country,
        case when countries.country is not null then 'shop.order_lines' else fields.country_source end as country_source,
        employers.company_id,
        fields.title,
        fields.title_source,
        coalesce(records.count_records, 0) as count_records,
        coalesce(records.count_sources, 0) as count_sources,
        least(records.first_told_at, orders.first_ordered_at) as first_told_at,
        greatest(records.last_told_at, orders.last_ordered_at) as last_told_at,
        orders.first_order_date,
        orders.last_order_date,
        orders.count_accounts,
        orders.count_orders,
        orders.count_credit_notes,
        orders.gross_amount,
        orders.net_amount
    from customers
    left join records on customers.customer_id = records.customer_id
    left join fields on customers.customer_id = fields.customer_id
    left join employers on customers.customer_id = employers.customer_id
    left join orders on customers.customer_id = orders.customer_id
    left join countries
        on
            customers.customer_id = countries.customer_id
            and countries.newness = 1

)

select
    customer_id,
    has_purchased,
    full_name,
    full_name_source,
    birth_date,
    birth_date_source,
    mail,
    mail_source,
    phone,
    phone_source,
    street,
    street_source,
    postcode,
    postcode_source,
    city,
    city_source,
    country,
    country_source,
    title,
    title_source,
    company_id,
    {{ completeness_share() }} as completeness_share,
    least(coalesce({{ reporting_date('first_told_at') }}, {{ as_of_date() }}), {{ as_of_date() }}) as first_known_date,
    {{ reporting_date('last_told_at') }} as last_told_date,
    greatest({{ as_of_date() }} - {{ reporting_date('last_told_at') }}, 0) as staleness_days,
    cast(count_records as integer) as count_records,
    cast(count_sources as integer) as count_sources,
    cast(coalesce(count_accounts, 0) as integer) as count_accounts,
    first_order_date,
    last_order_date,
    cast(coalesce(count_orders, 0) as integer) as count_orders,
    cast(coalesce(count_credit_notes, 0) as integer) as count_credit_notes,
    cast(coalesce(gross_amount, 0) as numeric(16, 3)) as gross_amount,
    cast(coalesce(net_amount, 0) as numeric(16, 3)) as net_amount,
    cast('{{ var("currency") }}' as text) as currency,
    cast('shop' as text) as record_source
from known
