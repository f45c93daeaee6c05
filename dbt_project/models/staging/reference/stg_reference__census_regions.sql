-- Grain: one row per region of the census in the newest accepted version of its file.
with

regions as (

    {{ column_rows('reference', 'census_regions', [
        'region_id', 'country', 'region', 'census_year', 'population',
        'median_age_years', 'median_income_gbp', 'share_urban', 'source'
    ]) }}

),

typed as (

    select distinct on (nullif(trim(region_id), ''))
        nullif(trim(region_id), '') as region_id,
        nullif(trim(country), '') as country,
        nullif(trim(region), '') as region,
        nullif(trim(source), '') as census_source,
        {{ text_number('census_year') }} as census_year,
        {{ text_number('population') }} as population,
        {{ text_number('median_age_years') }} as median_age_years,
        {{ text_number('median_income_gbp') }} as median_income_gbp,
        {{ text_number('share_urban') }} as share_urban
    from regions
    where nullif(trim(region_id), '') is not null
    order by nullif(trim(region_id), ''), load_id desc, row_number desc

)

select * from typed
