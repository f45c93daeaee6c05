-- Grain: one row per night, customer, event and other customer.
select
    as_of_date,
    kind,
    event,
    customer_id,
    other_customer_id,
    count_records
from {{ source('identity', 'merge_log') }}
