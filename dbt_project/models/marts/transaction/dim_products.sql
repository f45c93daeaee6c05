-- Grain: one row per stock code ever seen on a line that counts.
with

days as (

    select * from {{ ref('int_products__sold') }}

),

named as (

    select
        product_id,
        description,
        row_number() over (partition by product_id order by described_at desc, described_by desc) as newness
    from days
    where description is not null

),

sold as (

    select
        product_id,
        min(invoice_date) as first_sold_date,
        max(invoice_date) as last_sold_date
    from days
    group by 1

),

costed as (

    select * from {{ ref('int_products__costed') }}

)

select
    sold.product_id,
    named.description as product_name,
    coalesce(types.product_type, 'merchandise') as product_type,
    types.product_type is null as is_merchandise,
    sold.first_sold_date,
    sold.last_sold_date,
    costed.product_category,
    cast(costed.unit_cost as numeric(12, 3)) as unit_cost
from sold
left join named
    on
        sold.product_id = named.product_id
        and named.newness = 1
left join {{ ref('product_types') }} as types on sold.product_id = types.product_id
left join costed on sold.product_id = costed.product_id
