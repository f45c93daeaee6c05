"""What the night's scores must look like beside those that are published: the same customers a few days before."""

from __future__ import annotations

import math

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "store.fct_customer_scores, against the published night"
MAX_DAYS, MIN_CUSTOMERS = 7, 200  # nights further apart may differ, and of few customers a mean says little
# Sizes that no few days of trade reach; another version of a model may, so it warns where the same one blocks.
WARN_CHURN, MAX_CHURN = 0.05, 0.2
WARN_VALUE, MAX_VALUE = 0.2, math.log(2)
WARN_SEGMENTS, MAX_SEGMENTS = 0.3, 0.8
WARN_LOST, MAX_LOST = 0.02, 0.2
# One row, null where there is nothing to compare with. `value_shift` is the logarithm of the values' sums.
QUERY = """
select
    avg(churn_shift) as churn_shift,
    avg(churn_shift) filter (where is_same_churn_model) as churn_shift_of_model,
    ln(nullif(sum(value_now), 0) / nullif(sum(value_before), 0))::float8 as value_shift,
    case when bool_and(is_same_value_model)
        then ln(nullif(sum(value_now), 0) / nullif(sum(value_before), 0))::float8 end as value_shift_of_model,
    avg(has_moved::int)::float8 as share_moved,
    avg(is_lost::int)::float8 as share_lost
from (
    select
        fresh.customer_id is null as is_lost,
        fresh.churn_probability - shown.churn_probability as churn_shift,
        fresh.churn_model_version = shown.churn_model_version as is_same_churn_model,
        case when shown.customer_value is not null then fresh.customer_value end as value_now,
        case when fresh.customer_value is not null then shown.customer_value end as value_before,
        fresh.value_model_version = shown.value_model_version as is_same_value_model,
        fresh.segment <> shown.segment as has_moved
    from store.fct_customer_scores as shown
    inner join ops.published_run as published on shown.run_id = published.run_id
    left join store.fct_customer_scores as fresh on shown.customer_id = fresh.customer_id and fresh.run_id = {run_id}
    where abs(published.as_of_date - date '{as_of_date}') <= {max_days}
) as pairs
having count(*) >= {min_customers}
"""


def checks() -> list[Check]:
    """The suite; what blocks is waived for a night with `make waive NIGHT=...`."""
    churn, value = "the mean churn probability", "the sum of customer values"
    return [
        _within("churn_is_steady", "churn_shift", WARN_CHURN, "warn", f"{churn} of the same customers moved"),
        _within("churn_holds", "churn_shift_of_model", MAX_CHURN, "block", f"{churn} moved far by the same model"),
        _within("value_is_steady", "value_shift", WARN_VALUE, "warn", f"{value} of the same customers moved"),
        _within("value_holds", "value_shift_of_model", MAX_VALUE, "block", f"{value} moved far by the same model"),
        _within("segments_are_steady", "share_moved", WARN_SEGMENTS, "warn", "many customers changed their segment"),
        _within("segments_hold", "share_moved", MAX_SEGMENTS, "block", "most customers changed their segment"),
        _within("customers_stay", "share_lost", WARN_LOST, "warn", "customers of the published night have no score"),
        _within("customers_are_not_lost", "share_lost", MAX_LOST, "block", "many customers have no score any more"),
    ]


def _within(rule: str, column: str, limit: float, severity: str, reason: str) -> Check:
    expectation = gxe.ExpectColumnValuesToBeBetween(column=column, min_value=-limit, max_value=limit)
    return Check(rule, reason, severity, expectation)
