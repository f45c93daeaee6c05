-- Grain: one row per kind and record that belongs to a customer on the newest night.
select
    kind,
    record_key,
    customer_id,
    valid_from
from {{ source('identity', 'assignments') }}
where valid_to is null
