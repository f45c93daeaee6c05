-- Grain: one row per opportunity that the CRMs have on the night. Amounts are additive within a currency.
{{ config(indexes=[{'columns': ['company_id']}, {'columns': ['customer_id']}]) }}
with

newest as (

    select
        *,
        stage_group not in ('won', 'lost') as is_open
    from {{ ref('int_opportunity_versions__followed') }}
    where
        recency = 1
        and not is_gone

),

timed as (

    select
        *,
        case when not is_open then group_since_at end as closed_at,
        case when is_open then {{ as_of_date() }} else {{ reporting_date('group_since_at') }} end as last_date
    from newest

),

rates as (

    select * from {{ ref('int_exchange_rates__filled') }}

)

select
    timed.opportunity_id,
    cast(timed.source as text) as source,
    timed.company_id,
    timed.customer_id,
    timed.owner_id,
    cast(timed.amount as numeric(16, 2)) as amount,
    timed.currency,
    cast(
        case when timed.currency = '{{ var("currency") }}' then timed.amount else timed.amount / rates.rate end
        as numeric(16, 2)
    ) as reporting_amount,
    cast(timed.probability as numeric(5, 4)) as probability,
    timed.stage,
    timed.stage_group,
    timed.stage_problem,
    timed.is_open,
    timed.opened_at,
    {{ reporting_date('timed.opened_at') }} as opened_date,
    timed.closed_at,
    {{ reporting_date('timed.closed_at') }} as closed_date,
    timed.expected_close_date,
    greatest(timed.last_date - {{ reporting_date('timed.opened_at') }}, 0) as age_days,
    case
        when timed.is_open then greatest(timed.last_date - {{ reporting_date('timed.stage_since_at') }}, 0)
    end as days_in_stage
from timed
left join rates
    on
        timed.currency = rates.currency
        and timed.last_date = rates.date_day
