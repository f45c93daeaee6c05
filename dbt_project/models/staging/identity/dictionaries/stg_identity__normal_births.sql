-- Grain: one row per birth date ever written.
select
    raw,
    birth_date
from {{ source('identity', 'normal_births') }}
