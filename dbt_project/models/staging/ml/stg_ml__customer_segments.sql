-- Grain: one row per customer scored on the night.
select * from {{ source('ml', 'customer_segments') }}
where as_of_date = {{ as_of_date() }}
