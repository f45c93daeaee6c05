-- Grain: one row per payment or refund, as its newest version up to the night tells it, also in the reporting currency.
-- Nothing is dropped here but what was not yet so on the night.
with

versions as (

    select * from {{ ref('stg_payments__payment_versions') }}
    where
        changed_at is null
        or changed_at < {{ as_of_end() }}

),

newest as (

    select
        *,
        row_number() over (
            partition by payment_id order by is_deleted asc, changed_at desc nulls last, load_id desc, row_number desc
        ) as recency,
        -- A deletion need not tell its time: what arrived last says whether the record is there.
        first_value(is_deleted) over (partition by payment_id order by load_id desc, row_number desc) as is_gone
    from versions

),

rates as (

    select * from {{ ref('int_exchange_rates__filled') }}

),

dated as (

    select
        newest.*,
        {{ reporting_date('newest.created_at') }} as created_date,
        coalesce(newest.original_currency, '{{ var("currency") }}') as known_currency
    from newest
    where newest.recency = 1

),

rated as (

    select
        dated.*,
        case when dated.known_currency = '{{ var("currency") }}' then 1 else rates.rate end as exchange_rate
    from dated
    left join rates
        on
            dated.known_currency = rates.currency
            and dated.created_date = rates.date_day

)

select
    payment_id,
    payment_type,
    order_number,
    method,
    status,
    original_amount,
    known_currency as original_currency,
    original_fee,
    cast(exchange_rate as numeric(18, 8)) as exchange_rate,
    cast(original_amount / exchange_rate as numeric(16, 2)) as converted_amount,
    cast(coalesce(original_fee, 0) / exchange_rate as numeric(16, 2)) as converted_fee,
    created_at,
    created_date,
    settled_at,
    case
        when is_gone then 'deleted'
        when payment_type is null or payment_type not in ('payment', 'refund') then 'unknown_type'
        when original_amount is null then 'unreadable_amount'
        when created_at is null then 'undated'
        when exchange_rate is null then 'no_exchange_rate'
    end as exclusion_reason
from rated
