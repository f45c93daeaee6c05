"""The snapshots that the value question reads, checked for columns, night and grain."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kehu.warehouse.tables import read_frame
from ml.tables import Dates, FeatureError, require_grain

KEY = ("customer_id", "snapshot_date")
COLUMNS = (
    *KEY,
    "as_of_date",
    "scored_at",
    "churn_horizon_days",
    "value_horizon_days",
    "comparison_days",
    "annual_discount_rate",
    "count_repeat_purchases",
    "recency_days",
    "age_days",
    "days_since_last_purchase",
    "count_purchase_days_90d",
    "purchase_amount",
    "purchase_amount_90d",
    "last_purchase_amount",
    "average_repeat_amount",
    "next_purchase_amount",
)
AMOUNTS = tuple(name for name in COLUMNS if name.endswith("amount") or name.endswith("amount_90d"))
EXACT = (*AMOUNTS, "annual_discount_rate")
QUERY = """
select {columns} from ml_features.ftr_customer_snapshots where {which} order by snapshot_date, customer_id
"""


def read_features(url: str, as_of_date: date, dates: Dates = Dates.ALL) -> pd.DataFrame:
    """Snapshots of one night, one row per customer and snapshot date, in the order of that key.

    `dates` says which snapshots; all of them by default.

    Raises
    ------
    FeatureError
        As `check_features`, or if the table holds another night's features: a later run has built them anew.
    """
    cast = ", ".join(f"{name}::float8 as {name}" if name in EXACT else name for name in COLUMNS)
    frame = read_frame(url, QUERY.format(columns=cast, which=dates))
    others = set(frame["as_of_date"]) - {as_of_date}
    if others:
        raise FeatureError(f"the feature table holds the night of {min(others)}, not of {as_of_date}")
    return check_features(frame)


def check_features(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with numbers where numbers belong, ordered by key.

    Raises
    ------
    FeatureError
        If a column is missing or two rows share a key.
    """
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise FeatureError(f"missing columns: {', '.join(missing)}")
    require_grain(frame, KEY)
    numbers = {name: frame[name].astype(float) for name in EXACT}
    return frame.assign(**numbers).sort_values(["snapshot_date", "customer_id"], ignore_index=True)


def closed_windows(snapshots: pd.DataFrame) -> pd.DataFrame:
    """The snapshots whose label window had closed by the night."""
    return snapshots[snapshots["next_purchase_amount"].notna()]
