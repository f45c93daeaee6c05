-- Grain: one row per domain and normalised value.
select
    domain,
    value,
    pseudonym,
    key_id
from {{ source('identity', 'pseudonyms') }}
