"""Feature tables in: read once, ordered by key, checked for the columns and the grain a model relies on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd

from kehu.warehouse.tables import read_frame

SNAPSHOTS = """
select
    customer_id, snapshot_date, as_of_date, scored_at, churn_horizon_days, value_horizon_days, comparison_days,
    count_repeat_purchases, recency_days, age_days, days_since_last_purchase, count_orders,
    count_purchase_days_90d, purchase_amount::float8 as purchase_amount, returned_amount::float8 as returned_amount,
    average_repeat_amount::float8 as average_repeat_amount, has_churned
from ml_features.ftr_customer_snapshots
order by snapshot_date, customer_id
"""


class FeatureError(ValueError):
    """A feature table lacks a column or repeats a key."""


def read_snapshots(url: str, as_of_date: date) -> pd.DataFrame:
    """`ml_features.ftr_customer_snapshots` of one night, one row per customer and snapshot date, in that order.

    Raises
    ------
    FeatureError
        If the table holds another night's features: a later run has built them anew.
    """
    frame = read_frame(url, SNAPSHOTS)
    others = set(frame["as_of_date"]) - {as_of_date}
    if others:
        raise FeatureError(f"the feature table holds the night of {min(others)}, not of {as_of_date}")
    require_grain(frame, ["customer_id", "snapshot_date"])
    return frame


def require_grain(frame: pd.DataFrame, key: Sequence[str]) -> None:
    """Raise `FeatureError` if a key column is missing or two rows share a key."""
    missing = set(key) - set(frame.columns)
    if missing:
        raise FeatureError(f"missing columns: {', '.join(sorted(missing))}")
    repeated = int(frame.duplicated(list(key)).sum())
    if repeated:
        raise FeatureError(f"{repeated} rows repeat a key of ({', '.join(key)})")


def night_and_before(snapshots: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the night itself and those of its comparison date (both indexed by customer)."""
    night = snapshots[snapshots["snapshot_date"] == snapshots["as_of_date"]]
    days = pd.to_timedelta(snapshots["comparison_days"], unit="D")
    then = pd.to_datetime(snapshots["as_of_date"]) - days
    before = snapshots[pd.to_datetime(snapshots["snapshot_date"]) == then]
    return night.set_index("customer_id"), before.set_index("customer_id")
