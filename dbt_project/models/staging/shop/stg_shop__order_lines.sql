-- Grain: one row per line of the newest accepted version of each daily file up to the night, quarantined rows left out.
{{ config(
    materialized='incremental',
    indexes=[{'columns': ['load_id']}, {'columns': ['invoice_number']}],
    meta={'kept': {
        'key': 'order_line_id',
        'scope': {'column': 'load_id', 'type': 'bigint', 'entities': ['shop.line_load']},
        'tells': {'shop.line_invoice': ['invoice_number']}
    }}
) }}
with

loads as (

    select * from {{ ref('stg_shop__line_loads') }}
    where {{ in_scope('load_id') }}

),

quarantined as (

    select distinct
        load_id,
        row_number
    from {{ source('ops', 'quarantine') }}

),

kept as (

    select
        loads.file_date,
        lines.*
    from {{ source('shop', 'order_lines') }} as lines
    inner join loads on lines._load_id = loads.load_id
    left join quarantined
        on
            lines._load_id = quarantined.load_id
            and lines._row_number = quarantined.row_number
    where quarantined.load_id is null

),

typed as (

    select
        to_char(file_date, 'YYYYMMDD') || '-' || lpad(cast(_row_number as text), 9, '0') as order_line_id,
        trim("InvoiceNo") as invoice_number,
        upper(trim("StockCode")) as product_id,
        nullif(trim("CustomerID"), '') as customer_id,
        nullif(trim("Description"), '') as description,
        nullif(trim("Country"), '') as country,
        cast("Quantity" as integer) as quantity,
        cast("UnitPrice" as numeric(12, 3)) as unit_price,
        cast(cast("Quantity" as integer) * cast("UnitPrice" as numeric(12, 3)) as numeric(16, 3)) as amount,
        {{ shop_time('"InvoiceDate"') }} as invoiced_at,
        file_date,
        _load_id as load_id
    from kept

)

select * from typed
