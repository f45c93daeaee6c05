"""Purchases of CDNOW and UCI Online Retail as the feature tables would show them, and simulated customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from kehu.paths import PROJECT

DATA = PROJECT.parent / "shared" / "data"
CDNOW = PROJECT / "tests" / "fixtures" / "cdnow_sample_summary.csv"
CDNOW_END = pd.Timestamp("1997-09-30")
CDNOW_LAST = pd.Timestamp("1998-06-30")
WEEK = 7.0


def cdnow_histories() -> np.ndarray:
    """x, t_x and T in weeks of the 2,357 customers of the sample, ordered by customer."""
    frame = pd.read_csv(CDNOW).sort_values("id")
    return np.column_stack([frame["x"], frame["t_x"] / WEEK, frame["age"] / WEEK])


def cdnow_spend() -> np.ndarray:
    """x and mean amount of a repeat purchase."""
    frame = pd.read_csv(CDNOW).sort_values("id")
    return frame[["x", "mean_spend"]].to_numpy(float)


def cdnow_held_out() -> np.ndarray:
    """Purchase days in the 39 weeks after the 39 weeks of the fit, ordered by customer."""
    names = ["master", "id", "day", "count", "amount"]
    log = pd.read_csv(DATA / "cdnow" / "CDNOW_sample.txt", sep=r"\s+", names=names)
    log["day"] = pd.to_datetime(log["day"].astype(str), format="%Y%m%d")
    later = log[(log["day"] > CDNOW_END) & (log["day"] <= CDNOW_LAST)].drop_duplicates(["id", "day"])
    return later.groupby("id").size().reindex(sorted(log["id"].unique()), fill_value=0).to_numpy(float)


def online_retail() -> pd.DataFrame:
    """Amount of each customer on each day, of sales with a customer, a quantity and a price."""
    lines = pd.read_parquet(DATA / "online_retail" / "online_retail.parquet")
    lines = lines[lines["CustomerID"].notna() & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)]
    days = pd.DataFrame(
        {
            "customer_id": lines["CustomerID"].astype(int).astype(str),
            "day": pd.to_datetime(lines["InvoiceDate"]).dt.normalize(),
            "amount": lines["Quantity"] * lines["UnitPrice"],
        }
    )
    return days.groupby(["customer_id", "day"], as_index=False)["amount"].sum()


def snapshots(
    days: pd.DataFrame, night: str, training: Sequence[str], window_days: int, horizon_days: int
) -> pd.DataFrame:
    """What `ftr_customer_snapshots` would hold on a night, with training dates of our choosing."""
    known = days[days["day"] <= night]
    dates = [pd.Timestamp(day) for day in training]
    if any(day + pd.Timedelta(days=window_days) > pd.Timestamp(night) for day in dates):
        raise ValueError("the window of a training date has not closed by the night")
    parts = [_snapshot(known, day, window_days) for day in dates]
    parts.append(_snapshot(known, pd.Timestamp(night), None))
    constant = {"as_of_date": pd.Timestamp(night).date(), "scored_at": pd.Timestamp(night, tz="UTC")}
    constant |= {"churn_horizon_days": window_days, "value_horizon_days": horizon_days, "comparison_days": 28}
    return pd.concat(parts, ignore_index=True).assign(**constant, annual_discount_rate=0.0)


def spent_after(days: pd.DataFrame, day: pd.Timestamp, window_days: int) -> pd.Series:
    """What each customer spent in the days after a day."""
    inside = (days["day"] > day) & (days["day"] <= day + pd.Timedelta(days=window_days))
    return days[inside].groupby("customer_id")["amount"].sum()


def _snapshot(days: pd.DataFrame, at: pd.Timestamp, window_days: int | None) -> pd.DataFrame:
    past = days[days["day"] <= at].sort_values(["customer_id", "day"])
    by = past.groupby("customer_id")
    first, last = by["day"].min(), by["day"].max()
    recent = past[past["day"] > at - pd.Timedelta(days=90)].groupby("customer_id")["amount"]
    repeats = past[past["customer_id"].duplicated()].groupby("customer_id")["amount"].mean()
    frame = pd.DataFrame(
        {
            "count_repeat_purchases": by.size() - 1,
            "recency_days": (last - first).dt.days,
            "age_days": (at - first).dt.days,
            "days_since_last_purchase": (at - last).dt.days,
            "purchase_amount": by["amount"].sum(),
            "last_purchase_amount": by["amount"].last(),
            "average_repeat_amount": repeats,
            "purchase_amount_90d": recent.sum(),
            "count_purchase_days_90d": recent.size(),
        }
    )
    frame = frame.fillna({"purchase_amount_90d": 0.0, "count_purchase_days_90d": 0})
    frame["next_purchase_amount"] = np.nan
    if window_days is not None:
        frame["next_purchase_amount"] = spent_after(days, at, window_days).reindex(frame.index).fillna(0.0)
    return frame.reset_index().assign(snapshot_date=date(at.year, at.month, at.day))


def simulate_bg_nbd(count: int, seed: int) -> np.ndarray:
    """Histories of customers by day, who came within half a year and were seen for half a year to one."""
    random = np.random.default_rng(seed)
    rate, dropout = random.gamma(0.25, 1 / 40.0, count), random.beta(0.8, 2.4, count)
    age = random.integers(180, 361, count).astype(float)
    x, t_x, at, going = np.zeros(count), np.zeros(count), np.zeros(count), np.arange(count)
    while len(going):
        at[going] += random.exponential(1.0, len(going)) / rate[going]
        going = going[at[going] <= age[going]]
        x[going] += 1
        t_x[going] = at[going]
        going = going[random.random(len(going)) >= dropout[going]]
    return np.column_stack([x, np.where(x > 0, np.clip(np.ceil(t_x), 1, age), 0.0), age])
