-- Grain: one row per customer, domain and value that a record of the customer tells.
with

told as (

    select * from {{ ref('int_customer_pseudonyms__told') }}

),

customers as (

    select
        customer_id,
        mail,
        phone
    from {{ ref('dim_customers') }}

)

select
    told.customer_id,
    told.domain,
    told.pseudonym,
    told.key_id,
    coalesce(told.value = case told.domain when 'mail' then customers.mail else customers.phone end, false) as is_golden,
    cast(told.count_records as integer) as count_records
from told
inner join customers on told.customer_id = customers.customer_id
