-- Grain: one row per part of an address ever written.
select
    raw,
    part,
    normal
from {{ source('identity', 'normal_addresses') }}
