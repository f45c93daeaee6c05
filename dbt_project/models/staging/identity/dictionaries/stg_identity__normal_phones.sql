-- Grain: one row per phone number ever written and country of its record.
select
    raw,
    country,
    phone
from {{ source('identity', 'normal_phones') }}
