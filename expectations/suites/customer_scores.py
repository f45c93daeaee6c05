"""What the night's scores must look like before readers may see them."""

from __future__ import annotations

from collections.abc import Sequence

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "store.fct_customer_scores"
QUERY = """
select
    segment,
    expected_purchases,
    value_horizon_days::float8 as value_horizon_days,
    customer_value::float8 as customer_value,
    customer_value_lower::float8 as customer_value_lower,
    customer_value_upper::float8 as customer_value_upper,
    churn_probability,
    churn_method
from store.fct_customer_scores
where run_id = {run_id}
"""
EXPECTED_ROWS = "select count(*) from ml_features.ftr_customer_snapshots where snapshot_date = as_of_date"


def checks(segments: Sequence[str], expected_rows: int, has_values: bool, has_churn: bool) -> list[Check]:
    """The suite for a night whose features hold `expected_rows` customers.

    `has_values` and `has_churn` say whether tonight's fits give those scores at all; where they do, each customer
    must have one.
    """
    suite = [
        Check(
            "every_customer_is_scored",
            f"not each of the {expected_rows} customers of the feature table has exactly one score",
            "block",
            gxe.ExpectTableRowCountToEqual(value=expected_rows),
        ),
        Check(
            "segment_known",
            "a segment is none of the defined ones",
            "block",
            gxe.ExpectColumnValuesToBeInSet(column="segment", value_set=list(segments)),
        ),
        _present("segment_present", "segment", "a customer has no segment"),
        Check(
            "churn_is_probability",
            "a churn probability is below 0 or above 1",
            "block",
            gxe.ExpectColumnValuesToBeBetween(column="churn_probability", min_value=0, max_value=1),
        ),
        Check(
            "value_not_negative",
            "a customer value is negative",
            "block",
            gxe.ExpectColumnValuesToBeBetween(column="customer_value", min_value=0),
        ),
        Check(
            "interval_in_order",
            "an interval of a customer value ends below its beginning",
            "block",
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="customer_value_upper",
                column_B="customer_value_lower",
                or_equal=True,
                ignore_row_if="either_value_is_missing",
            ),
        ),
        Check(
            "purchases_within_horizon",
            "more than one purchase day a day is expected of a customer",
            "block",
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="value_horizon_days",
                column_B="expected_purchases",
                or_equal=True,
                ignore_row_if="either_value_is_missing",
            ),
        ),
    ]
    if expected_rows and has_values:
        suite.append(_present("value_present", "customer_value", "a customer has no value"))
        suite.append(_present("interval_present", "customer_value_upper", "a customer's value has no interval"))
    if expected_rows and has_churn:
        suite.append(_present("churn_present", "churn_probability", "a customer has no churn probability"))
        suite.append(
            Check(
                "churn_rate_plausible",
                "the mean churn probability is below 0.02 or above 0.98",
                "warn",
                gxe.ExpectColumnMeanToBeBetween(column="churn_probability", min_value=0.02, max_value=0.98),
            )
        )
    return suite


def _present(rule: str, column: str, reason: str) -> Check:
    return Check(rule, reason, "block", gxe.ExpectColumnValuesToNotBeNull(column=column))
