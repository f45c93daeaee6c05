-- Grain: one row per kind, pair of records and rule that speaks for their being the same.
select
    kind,
    left_key,
    right_key,
    rule,
    match_probability,
    match_weight,
    evidence,
    is_same_customer
from {{ source('identity', 'links') }}
