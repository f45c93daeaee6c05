-- Grain: one row per kind and record that belongs to a customer as known on the night; later nights may be known already.
select
    kind,
    record_key,
    customer_id,
    valid_from
from {{ source('identity', 'assignments') }}
where
    valid_from <= {{ as_of_date() }}
    and (valid_to is null or valid_to > {{ as_of_date() }})
