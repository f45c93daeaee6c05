-- Grain: one row per name ever written.
select
    raw,
    given_name,
    surname,
    name_key,
    name_compact,
    name_han
from {{ source('identity', 'normal_names') }}
