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

)

select
    opportunity_id,
    cast(source as text) as source,
    company_id,
    customer_id,
    owner_id,
    cast(amount as numeric(16, 2)) as amount,
    currency,
    cast(probability as numeric(5, 4)) as probability,
    stage,
    stage_group,
    stage_problem,
    is_open,
    opened_at,
    {{ reporting_date('opened_at') }} as opened_date,
    closed_at,
    {{ reporting_date('closed_at') }} as closed_date,
    expected_close_date,
    greatest(last_date - {{ reporting_date('opened_at') }}, 0) as age_days,
    case when is_open then greatest(last_date - {{ reporting_date('stage_since_at') }}, 0) end as days_in_stage
from timed
