-- Grain: one row per first of a month, currency, and target month: what was to be expected on that day, and what came.
with

estimates as (

    select * from {{ ref('int_sales_forecasts__estimated') }}

),

expected as (

    select
        forecast_date,
        currency,
        cast(date_trunc('month', cast(expected_close_date as timestamp)) as date) as target_month,
        count(*) as count_opportunities,
        coalesce(sum(amount * probability), 0) as forecast_amount
    from estimates
    where expected_close_date >= forecast_date
    group by 1, 2, 3

),

own_months as (

    -- The month that begins is there even if nothing was expected in it.
    select distinct
        forecast_date,
        currency,
        forecast_date as target_month
    from estimates

),

targets as (

    select
        coalesce(expected.forecast_date, own_months.forecast_date) as forecast_date,
        coalesce(expected.currency, own_months.currency) as currency,
        coalesce(expected.target_month, own_months.target_month) as target_month,
        coalesce(expected.count_opportunities, 0) as count_opportunities,
        coalesce(expected.forecast_amount, 0) as forecast_amount
    from expected
    full join own_months
        on
            expected.forecast_date = own_months.forecast_date
            and expected.currency = own_months.currency
            and expected.target_month = own_months.target_month

),

won as (

    select
        currency,
        cast(date_trunc('month', cast(closed_date as timestamp)) as date) as target_month,
        sum(amount) as won_amount
    from {{ ref('fct_opportunities') }}
    where stage_group = 'won'
    group by 1, 2

),

compared as (

    select
        targets.*,
        case when targets.target_month <= {{ as_of_date() }} then coalesce(won.won_amount, 0) end as won_amount,
        targets.target_month + interval '1 month' <= {{ as_of_date() }} + interval '1 day' as is_month_over
    from targets
    left join won
        on
            targets.currency = won.currency
            and targets.target_month = won.target_month

)

select
    forecast_date,
    currency,
    target_month,
    cast(count_opportunities as integer) as count_opportunities,
    cast(forecast_amount as numeric(18, 2)) as forecast_amount,
    cast(won_amount as numeric(18, 2)) as won_amount,
    is_month_over,
    case
        when is_month_over and won_amount > 0 then cast((forecast_amount - won_amount) / won_amount as numeric(20, 4))
    end as error_share
from compared
