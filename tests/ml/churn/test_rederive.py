"""The features by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.churn.features import COLUMNS
from ml.churn.rederive import MOVEMENTS, rederive
from ml.tables import FeatureError

DAY = pd.Timestamp("2024-07-01")


def moved(order, ordered, amount, at=None, is_return=False, lines=1):
    ordered = pd.Timestamp(ordered)
    values = (DAY, "a", order, ordered, pd.Timestamp(at) if at else ordered, is_return, lines, amount)
    return dict(zip(MOVEMENTS, values, strict=True))


ROWS = [
    moved("1", "2023-07-03", 10.0, lines=2),  # 364 days before: the horizon after 365 days ago begins on 2023-07-03
    moved("2", "2024-03-01", 20.0),  # 122 days before
    moved("3", "2024-06-01", 40.0),  # 30 days before: the day after is the first of the last 30
    moved("4", "2024-06-01", 5.0),
    moved("4", "2024-06-01", -5.0, at="2024-06-20", lines=0),  # cancelled as a whole, and known
    moved("5", "2024-06-25", 80.0),
    moved("5", "2024-06-25", -80.0, at="2024-07-02", lines=0),  # cancelled, but nobody knows yet
    moved("r", "2024-06-10", -3.0, is_return=True, lines=0),
    moved("s", "2024-07-03", -9.0, is_return=True, lines=0),
    moved("6", "2024-07-05", 99.0),
]


def test_the_features_of_a_customer_are_those_counted_by_hand():
    (found,) = rederive(pd.DataFrame(ROWS), 90).to_dict("records")
    gaps = [242, 92, 24]
    mean = sum(gaps) / 3
    expected = {
        "customer_id": "a",
        "snapshot_date": DAY,
        "days_since_last_purchase": 6,
        "count_repeat_purchases": 3,
        "recency_days": 358,
        "age_days": 364,
        "count_orders": 4,
        "count_lines": 5,
        "count_returns": 1,
        "count_purchase_days_30d": 1,
        "count_purchase_days_90d": 2,
        "count_purchase_days_180d": 3,
        "count_purchase_days_same_season": 1,
        "longest_gap_days": 242,
        "gap_deviation_days": pytest.approx((sum((gap - mean) ** 2 for gap in gaps) / 3) ** 0.5),
        "purchase_amount": 150.0,
        "purchase_amount_90d": 120.0,
        "purchase_amount_previous_90d": 20.0,
        "last_purchase_amount": 80.0,
        "average_repeat_amount": pytest.approx(140 / 3),
        "returned_amount": -3.0,
    }
    assert found == expected
    assert set(COLUMNS) <= set(found)


def test_movements_without_a_column_are_refused():
    with pytest.raises(FeatureError, match="lack: amount"):
        rederive(pd.DataFrame(ROWS).drop(columns="amount"), 90)
