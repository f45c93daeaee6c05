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
        count(*) filter (where count_nps_answers > 0) as count_answering_customers,
        sum(count_nps_answers) as count_nps_answers,
        sum(count_promoter_answers) as count_promoter_answers,
        sum(count_detractor_answers) as count_detractor_answers
    from loyalty
    group by cohort_quarter

),

{{ hidden_groups(
    'sized', 'cohorts', 'count_customers', is_small_group('count_customers'),
    totals=[[]], key=['cohort_quarter'], column='is_size_hidden'
) }},

{{ hidden_groups(
    'followed', 'sized', 'count_seen_customers',
    'is_size_hidden or ' ~ is_small_part('count_seen_customers', 'count_customers')
    ~ ' or ' ~ is_small_part('count_returned_customers', 'count_seen_customers'),
    totals=[[]], key=['cohort_quarter'], column='is_return_hidden'
) }},

{{ hidden_groups(
    'asked', 'followed', 'count_answering_customers', is_small_group('count_answering_customers'),
    totals=[[]], key=['cohort_quarter'], column='is_nps_hidden'
) }},

shares as (

    select
        *,
        cast(count_promoter_answers as double precision) / nullif(count_nps_answers, 0) as promoter_share,
        cast(count_detractor_answers as double precision) / nullif(count_nps_answers, 0) as detractor_share
    from asked

),

bounded as (

    select
        *,
        cast(count_returned_customers as numeric) / nullif(count_seen_customers, 0) as returned_share,
        {{ wilson_bound('count_returned_customers', 'count_seen_customers', '-') }} as returned_share_low,
        {{ wilson_bound('count_returned_customers', 'count_seen_customers', '+') }} as returned_share_high,
        -- One answer of each of the three kinds is added, so that few answers that agree are not certain.
        case
            when count_nps_answers > 0
                then
                    196 * sqrt(
                        (count_promoter_answers + count_detractor_answers + 2.0) / (count_nps_answers + 3)
                        - power(cast(count_promoter_answers - count_detractor_answers as numeric) / (count_nps_answers + 3), 2)
                    ) / sqrt(count_nps_answers + 3.0)
        end as nps_margin
    from shares

)

select
    cohort_quarter,
    cast({{ shown('count_customers', 'is_size_hidden') }} as integer) as count_customers,
    cast({{ shown('count_seen_customers', 'is_return_hidden') }} as integer) as count_seen_customers,
    cast({{ shown('count_returned_customers', 'is_return_hidden') }} as integer) as count_returned_customers,
    cast({{ shown('returned_share', 'is_return_hidden') }} as numeric(6, 5)) as returned_share,
    cast({{ shown('returned_share_low', 'is_return_hidden') }} as numeric(6, 5)) as returned_share_low,
    cast({{ shown('returned_share_high', 'is_return_hidden') }} as numeric(6, 5)) as returned_share_high,
    cast({{ shown('count_nps_answers', 'is_nps_hidden') }} as integer) as count_nps_answers,
    cast({{ shown('100 * (promoter_share - detractor_share)', 'is_nps_hidden') }} as numeric(6, 2)) as nps,
    cast({{ shown('nps_margin', 'is_nps_hidden') }} as numeric(6, 2)) as nps_margin,
    is_size_hidden or is_return_hidden or is_nps_hidden as is_suppressed
from bounded
