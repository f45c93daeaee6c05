-- Grain: one row per cohort and day since the first purchase.
select
    cohort,
    days_since_first_purchase,
    as_of_date,
    count_customers,
    count_at_risk,
    survival_share,
    survival_lower,
    survival_upper
from {{ source('ml', 'survival_curves') }}
where as_of_date = {{ as_of_date() }}
