-- Grain: one row per credit rating in the newest accepted version of its file.
with

ratings as (

    {{ column_rows('reference', 'credit_ratings', ['rating_id', 'company_name', 'registration_number', 'country', 'rated_on']) }}

),

typed as (

    select distinct on (nullif(trim(rating_id), ''))
        nullif(trim(rating_id), '') as rating_id,
        nullif(trim(company_name), '') as company_name,
        nullif(trim(registration_number), '') as registration_number,
        nullif(trim(country), '') as country,
        case
            when pg_input_is_valid(trim(rated_on), 'date') then cast(cast(trim(rated_on) as date) as timestamp) at time zone 'UTC'
        end as rated_at
    from ratings
    where nullif(trim(rating_id), '') is not null
    order by nullif(trim(rating_id), ''), load_id desc, row_number desc

)

select * from typed
