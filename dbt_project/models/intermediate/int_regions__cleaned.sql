-- Grain: one row per region that the census names.
select
    region_id,
    country,
    region,
    census_source,
    census_year,
    population,
    median_age_years,
    median_income_gbp,
    -- A share outside of 0 to 1 is a slip of the source, not a share.
    case when share_urban between 0 and 1 then share_urban end as share_urban
from {{ ref('stg_reference__census_regions') }}
where
    country is not null
    and region is not null
