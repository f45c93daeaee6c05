-- Grain: one row per credit rating in the newest accepted version of its file.
with

ratings as (

    {{ column_rows('reference', 'credit_ratings', [
        'rating_id', 'company_name', 'registration_number', 'country', 'rating',
        'score', 'limit_gbp', 'source', 'rated_on', 'valid_until'
    ]) }}

),

typed as (

    select distinct on (nullif(trim(rating_id), ''))
        nullif(trim(rating_id), '') as rating_id,
        nullif(trim(company_name), '') as company_name,
        nullif(trim(registration_number), '') as registration_number,
        nullif(trim(country), '') as country,
        case
            when pg_input_is_valid(trim(rated_on), 'date') then cast(cast(trim(rated_on) as date) as timestamp) at time zone 'UTC'
        end as rated_at,
        {{ text_date('rated_on') }} as rated_on,
        {{ text_date('valid_until') }} as valid_until,
        nullif(trim(rating), '') as rating,
        {{ text_number('score') }} as score,
        {{ text_number('limit_gbp') }} as limit_gbp,
        nullif(trim(source), '') as agency
    from ratings
    where nullif(trim(rating_id), '') is not null
    order by nullif(trim(rating_id), ''), load_id desc, row_number desc

)

select * from typed
