-- Grain: one row per company, as known on the night.
with

companies as (

    select * from {{ ref('int_companies__merged') }}

)

select
    company_id,
    name,
    name_source,
    registration_number,
    registration_source,
    country,
    city,
    industry,
    website,
    cast(count_records as integer) as count_records,
    cast(count_people as integer) as count_people,
    cast(count_sources as integer) as count_sources,
    rating as credit_rating,
    cast(score as numeric(16, 2)) as credit_score,
    cast(limit_gbp as numeric(16, 2)) as credit_limit_gbp,
    agency as credit_rating_source,
    rated_on,
    valid_until,
    is_expired,
    first_known_at,
    last_changed_at
from companies
