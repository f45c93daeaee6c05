-- Grain: one row per company name ever written.
select
    raw,
    company,
    company_city
from {{ source('identity', 'normal_companies') }}
