-- Grain: one row per currency and day with a known rate, the reporting currency left out.
select
    currency || '/' || cast(date_day as text) as exchange_rate_id,
    currency,
    cast('{{ var("currency") }}' as text) as reporting_currency,
    date_day as valid_date,
    rate as exchange_rate,
    rate_date,
    rate_date < date_day as is_carried_over
from {{ ref('int_exchange_rates__filled') }}
