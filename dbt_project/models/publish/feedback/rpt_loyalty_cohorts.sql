-- Grain: one row per quarter of first orders. Customers and windows are additive, shares are not.
with

loyalty as (

    select * from {{ ref('fct_customer_loyalty') }}

),

cohorts as (

    select
        cohort_quarter,
        count(*) as count_customers,
        sum(count_windows) as count_windows,
        count(*) filter (where count_windows > 0) as count_seen_customers,
        count(*) filter (where count_windows_with_order > 0) as count_returned_customers,
        sum(count_windows_with_order) as count_windows_with_order,
        sum(count_nps_answers) as count_nps_answers,
        sum(count_promoter_answers) as count_promoter_answers,
        sum(count_detractor_answers) as count_detractor_answers
    from loyalty
    group by cohort_quarter

),

shares as (

    select
        *,
        cast(count_promoter_answers as double precision) / nullif(count_nps_answers, 0) as promoter_share,
        cast(count_detractor_answers as double precision) / nullif(count_nps_answers, 0) as detractor_share
    from cohorts

)

select
    cohort_quarter,
    cast(count_customers as integer) as count_customers,
    cast(count_seen_customers as integer) as count_seen_customers,
    cast(count_returned_customers as integer) as count_returned_customers,
    cast(cast(count_returned_customers as numeric) / nullif(count_seen_customers, 0) as numeric(6, 5)) as returned_share,
    cast({{ wilson_bound('count_returned_customers', 'count_seen_customers', '-') }} as numeric(6, 5)) as returned_share_low,
    cast({{ wilson_bound('count_returned_customers', 'count_seen_customers', '+') }} as numeric(6, 5)) as returned_share_high,
    cast(count_nps_answers as integer) as count_nps_answers,
    cast(100 * (promoter_share - detractor_share) as numeric(6, 2)) as nps,
    -- One answer of each of the three kinds is added, so that few answers that agree are not certain.
    cast(
        case
            when count_nps_answers > 0
                then
                    196 * sqrt(
                        (count_promoter_answers + count_detractor_answers + 2.0) / (count_nps_answers + 3)
                        - power(cast(count_promoter_answers - count_detractor_answers as numeric) / (count_nps_answers + 3), 2)
                    ) / sqrt(count_nps_answers + 3.0)
        end as numeric(6, 2)
    ) as nps_margin
from shares
