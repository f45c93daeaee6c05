"""Feature tables in: read once, ordered by key, checked for the columns and the grain a model relies on."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import pandas as pd


class Dates(StrEnum):
    """Which of the dates of `ftr_customer_snapshots` are read, as a condition in SQL."""

    ALL = "true"
    SCORED = "snapshot_date in (as_of_date, as_of_date - comparison_days)"
    """The night and the date that its scores are compared with: training dates are many, and a champion needs none."""
    NIGHT = "snapshot_date = as_of_date"


class FeatureError(ValueError):
    """A feature table lacks a column or repeats a key."""


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
