"""What the churn model knows of a customer: columns of `ftr_customer_snapshots`, and ratios made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from kehu.warehouse.tables import read_frame
from ml.tables import Dates, FeatureError, require_grain

KEY = ("snapshot_date", "customer_id")
LABEL = "has_churned"
COUNTS = (
    "days_since_last_purchase",
    "count_repeat_purchases",
    "recency_days",
    "age_days",
    "count_orders",
    "count_lines",
    "count_returns",
    "count_purchase_days_30d",
    "count_purchase_days_90d",
    "count_purchase_days_180d",
    "count_purchase_days_same_season",
    "longest_gap_days",
    "gap_deviation_days",
)
AMOUNTS = (
    "purchase_amount",
    "purchase_amount_90d",
    "purchase_amount_previous_90d",
    "last_purchase_amount",
    "average_repeat_amount",
    "returned_amount",
)
COLUMNS = (*COUNTS, *AMOUNTS)
RATIOS = (
    "mean_gap_days",
    "overdue_share",
    "average_order_amount",
    "lines_per_order",
    "returned_share",
    "amount_trend",
    "last_amount_share",
    "purchase_rate",
)
FEATURES = (*COLUMNS, *RATIOS)

_SELECT = """
select
    customer_id, snapshot_date, as_of_date, scored_at, churn_horizon_days, value_horizon_days, comparison_days,
    churn_contact_share, first_purchase_date, silent_from_days, {counts},
    {amounts},
    has_churned
from ml_features.ftr_customer_snapshots
where {which}
order by snapshot_date, customer_id
"""


_SELECT_MOVEMENTS = """
select
    snapshot_date, customer_id, order_id, ordered_on, moved_on, is_return, count_lines, amount::float8 as amount
from ml_features.ftr_customer_movements
order by snapshot_date, customer_id, order_id, moved_on, is_return
"""


def read_features(url: str, as_of_date: date, dates: Dates = Dates.ALL) -> pd.DataFrame:
    """The feature table of one night, one row per customer and snapshot date, in the order of the key.

    `dates` says which snapshots; all of them by default.

    Raises
    ------
    FeatureError
        If the table lacks a column, repeats a key, or holds another night.
    """
    query = _SELECT.format(
        counts=", ".join(f"{name}::float4 as {name}" for name in COUNTS),
        amounts=", ".join(f"{name}::float8 as {name}" for name in AMOUNTS),
        which=dates,
    )
    frame = read_frame(url, query)
    others = set(frame["as_of_date"]) - {as_of_date}
    if others:
        raise FeatureError(f"the feature table holds the night of {min(others)}, not of {as_of_date}")
    require_grain(frame, KEY)
    return frame


def read_movements(url: str) -> pd.DataFrame:
    """`ftr_customer_movements`: what the features of a few customers are derived anew from (`ml.churn.rederive`)."""
    return read_frame(url, _SELECT_MOVEMENTS)


def require_features(frame: pd.DataFrame, columns: Sequence[str] = COLUMNS) -> None:
    """Raise `FeatureError` naming each column that a model needs and the frame lacks."""
    missing = sorted(set(columns) - set(frame.columns))
    if missing:
        raise FeatureError(f"the feature table lacks: {', '.join(missing)}")


def feature_matrix(frame: pd.DataFrame) -> pd.DataFrame:
    """`FEATURES` of each row as float32, same index; what a customer cannot have yet is NaN.

    Amounts keep their sign: a customer who gave back more than is known to be bought has a share above 1.
    """
    require_features(frame)
    known = frame[list(COLUMNS)].astype(float).replace([np.inf, -np.inf], np.nan)
    orders = known["count_orders"].clip(lower=1.0)
    amount = known["purchase_amount"].where(known["purchase_amount"] > 0)
    repeats = known["count_repeat_purchases"].where(known["count_repeat_purchases"] > 0)
    known["mean_gap_days"] = known["recency_days"] / repeats
    known["overdue_share"] = known["days_since_last_purchase"] / known["mean_gap_days"].clip(lower=1.0)
    known["average_order_amount"] = known["purchase_amount"] / orders
    known["lines_per_order"] = known["count_lines"] / orders
    known["returned_share"] = -known["returned_amount"] / amount
    recent, before = known["purchase_amount_90d"], known["purchase_amount_previous_90d"]
    known["amount_trend"] = ((recent - before) / (recent + before).where(recent + before > 0)).fillna(0.0)
    known["last_amount_share"] = known["last_purchase_amount"] / known["average_order_amount"].where(amount.notna())
    known["purchase_rate"] = (known["count_repeat_purchases"] + 1.0) / (known["age_days"] + 30.0)
    return known[list(FEATURES)].astype(np.float32)
