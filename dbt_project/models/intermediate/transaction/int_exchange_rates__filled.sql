-- Grain: one row per currency and day from its first rate to the night, as units of it for one unit of the reporting currency.
-- A day without a rate of its own (a weekend) has the last one before, as long as that is not too old.
with

told as (

    select * from {{ ref('stg_reference__exchange_rates') }}
    where rate_date <= {{ as_of_date() }}

),

-- The base is worth one of itself.
with_bases as (

    select
        rate_date,
        base_currency,
        currency,
        rate
    from told
    where currency <> base_currency
    union all
    select distinct
        rate_date,
        base_currency,
        base_currency as currency,
        1 as rate
    from told

),

-- One base may price the reporting currency as well as the others: their ratio is the rate.
crossed as (

    select distinct on (others.currency, others.rate_date)
        others.currency,
        others.rate_date,
        others.rate / reporting.rate as rate
    from with_bases as others
    inner join with_bases as reporting
        on
            others.rate_date = reporting.rate_date
            and others.base_currency = reporting.base_currency
            and reporting.currency = '{{ var("currency") }}'
    where
        others.currency <> '{{ var("currency") }}'
        and others.rate / reporting.rate between 0.000001 and 1000000000 -- anything else is a slip
    order by others.currency, others.rate_date, others.base_currency <> '{{ var("currency") }}', others.base_currency

),

followed as (

    select
        currency,
        rate_date,
        rate,
        lead(rate_date) over (partition by currency order by rate_date) as next_rate_date
    from crossed

)

select
    followed.currency,
    cast(days.day as date) as date_day,
    cast(followed.rate as numeric(18, 8)) as rate,
    followed.rate_date
from followed
cross join lateral generate_series(
    followed.rate_date,
    least(
        -- The reporting day may be ahead of the night's.
        coalesce(followed.next_rate_date - 1, {{ as_of_date() }} + 1),
        followed.rate_date + {{ var('rate_max_age_days') }}
    ),
    interval '1 day'
) as days (day)
