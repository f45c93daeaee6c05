-- Grain: one row per kind, record and period in which it was known to belong to one customer.
select
    kind,
    record_key,
    customer_id,
    valid_from,
    valid_to
from {{ source('identity', 'assignments') }}
