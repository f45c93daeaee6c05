-- Grain: one row per day, base and currency with a rate in the newest accepted version of its file.
with

rates as (

    {{ column_rows('reference', 'exchange_rates', ['rate_date', 'base_currency', 'currency', 'rate', 'source']) }}

),

typed as (

    select
        {{ text_date('rate_date') }} as rate_date,
        upper(nullif(trim(base_currency), '')) as base_currency,
        upper(nullif(trim(currency), '')) as currency,
        {{ text_number('rate') }} as rate,
        nullif(trim(source), '') as rate_source,
        load_id,
        row_number
    from rates

),

newest as (

    select distinct on (rate_date, base_currency, currency)
        rate_date,
        base_currency,
        currency,
        rate,
        rate_source
    from typed
    where
        rate_date is not null
        and base_currency is not null
        and currency is not null
        and rate > 0
    order by rate_date asc, base_currency asc, currency asc, load_id desc, row_number desc

)

select * from newest
