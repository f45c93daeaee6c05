"""The features of the churn model a second time, from movements of money that end at the snapshot.

`ftr_customer_snapshots` defines the features, in SQL. This is an independent second derivation from data that hold
nothing later, so that a feature that knows the future differs from it (`ml.churn.leaks`).
"""

from __future__ import annotations

import pandas as pd

from ml.churn.features import KEY
from ml.tables import FeatureError

MOVEMENTS = (
    "snapshot_date",
    "customer_id",
    "order_id",
    "ordered_on",
    "moved_on",
    "is_return",
    "count_lines",
    "amount",
)


def rederive(movements: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """`ml.churn.features.COLUMNS` of each customer and snapshot date, in the order of the key, dates as timestamps.

    Parameters
    ----------
    movements
        Columns `MOVEMENTS`: one row per snapshot date, order and day on which its money moved. Rows later than their
        snapshot are dropped first.
    horizon_days
        The churn horizon, which `count_purchase_days_same_season` looks back a year for.

    Raises
    ------
    FeatureError
        If a column is missing.
    """
    missing = sorted(set(MOVEMENTS) - set(movements.columns))
    if missing:
        raise FeatureError(f"the movements lack: {', '.join(missing)}")
    dates = ("snapshot_date", "ordered_on", "moved_on")
    known = movements.assign(**{name: pd.to_datetime(movements[name]) for name in dates})
    known = known[known["moved_on"] <= known["snapshot_date"]]
    days = _purchase_days(known[~known["is_return"].astype(bool)])
    found = _counted(days, horizon_days).join(_returned(known[known["is_return"].astype(bool)]), how="left")
    found[["count_returns", "returned_amount"]] = found[["count_returns", "returned_amount"]].fillna(0.0)
    return found.sort_index().reset_index()


def _purchase_days(kept: pd.DataFrame) -> pd.DataFrame:
    """One row per customer, snapshot and day with an order of which money was left, with the pause before it."""
    orders = kept.groupby([*KEY, "order_id", "ordered_on"], as_index=False)[["amount", "count_lines"]].sum()
    # Sums of cents in floats: what is left of a whole cancellation is not exactly zero.
    orders = orders[orders["amount"] > 1e-6]
    days = orders.groupby([*KEY, "ordered_on"]).agg(
        amount=("amount", "sum"), count_lines=("count_lines", "sum"), count_orders=("order_id", "count")
    )
    days = days.reset_index().sort_values([*KEY, "ordered_on"])
    days["gap_days"] = days.groupby(list(KEY))["ordered_on"].diff().dt.days
    days["ago"] = (days["snapshot_date"] - days["ordered_on"]).dt.days
    return days


def _counted(days: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    of_customer = days.groupby(list(KEY))
    found = pd.DataFrame(
        {
            "days_since_last_purchase": of_customer["ago"].min(),
            "age_days": of_customer["ago"].max(),
            "count_repeat_purchases": of_customer.size() - 1,
            "count_orders": of_customer["count_orders"].sum(),
            "count_lines": of_customer["count_lines"].sum(),
            "longest_gap_days": of_customer["gap_days"].max(),
            "gap_deviation_days": of_customer["gap_days"].std(ddof=0),
            "purchase_amount": of_customer["amount"].sum(),
            "last_purchase_amount": of_customer["amount"].last(),
            "average_repeat_amount": days[days["gap_days"].notna()].groupby(list(KEY))["amount"].mean(),
        }
    )
    found["recency_days"] = found["age_days"] - found["days_since_last_purchase"]
    windows = {
        "count_purchase_days_30d": (0, 30),
        "count_purchase_days_90d": (0, 90),
        "count_purchase_days_180d": (0, 180),
        "count_purchase_days_same_season": (365 - horizon_days, 365),
    }
    for name, window in windows.items():
        found[name] = _within(days, window).groupby(list(KEY)).size().reindex(found.index, fill_value=0)
    for name, window in {"purchase_amount_90d": (0, 90), "purchase_amount_previous_90d": (90, 180)}.items():
        found[name] = _within(days, window).groupby(list(KEY))["amount"].sum().reindex(found.index, fill_value=0.0)
    return found


def _within(days: pd.DataFrame, window: tuple[int, int]) -> pd.DataFrame:
    """Rows at least `window[0]` and less than `window[1]` days before the snapshot."""
    return days[(days["ago"] >= window[0]) & (days["ago"] < window[1])]


def _returned(returns: pd.DataFrame) -> pd.DataFrame:
    of_customer = returns.groupby(list(KEY))
    return pd.DataFrame(
        {"count_returns": of_customer["order_id"].nunique(), "returned_amount": of_customer["amount"].sum()}
    )
