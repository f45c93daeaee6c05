-- Grain: one row per cohort and each 30th day since the first purchase that somebody of it was followed to.
select
    cohort,
    days_since_first_purchase,
    as_of_date,
    count_customers,
    count_at_risk,
    survival_share,
    survival_lower,
    survival_upper
from {{ ref('stg_ml__survival_curves') }}
