-- Grain: one row per region that the census knows.
select
    region_id,
    country,
    region,
    cast(census_year as integer) as census_year,
    cast(population as bigint) as population,
    cast(median_age_years as numeric(4, 1)) as median_age_years,
    cast(median_income_gbp as numeric(12, 2)) as median_income_gbp,
    cast(share_urban as numeric(5, 4)) as share_urban,
    census_source
from {{ ref('int_regions__cleaned') }}
