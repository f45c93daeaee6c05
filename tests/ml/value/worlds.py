"""Customers of known parameters, the CDNOW sample, and snapshot rows."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

CDNOW = pd.read_csv(Path(__file__).parents[2] / "fixtures" / "cdnow_sample_summary.csv")
WEEK = 7.0
CDNOW_WEEKS = np.column_stack([CDNOW["x"], CDNOW["t_x"] / WEEK, CDNOW["age"] / WEEK])


def buy(rate, is_gone, age, horizon, random):
    """Purchases of each customer: x, t_x, T, and how many in the horizon; `is_gone(customers, times)` asks who left."""
    x, t_x, later, at = (np.zeros(len(rate)) for _ in range(4))
    going = np.arange(len(rate))
    while len(going):
        at[going] += random.exponential(1.0, len(going)) / rate[going]
        going = going[at[going] <= age[going] + horizon]
        if is_gone.__name__ == "left_before":
            going = going[~is_gone(going, at[going])]
        inside = going[at[going] <= age[going]]
        x[inside] += 1
        t_x[inside] = at[inside]
        later[going[at[going] > age[going]]] += 1
        if is_gone.__name__ == "leave_after":
            going = going[~is_gone(going, at[going])]
    return np.column_stack([x, t_x, age]), later


def bg_nbd_customers(r, alpha, a, b, count, age=52.0, horizon=26.0, seed=1):
    random = np.random.default_rng(seed)
    rate, dropout = random.gamma(r, 1.0, count) / alpha, random.beta(a, b, count)

    def leave_after(customers, times):
        return random.random(len(customers)) < dropout[customers]

    return buy(rate, leave_after, np.broadcast_to(age, count).astype(float), horizon, random)


def pareto_nbd_customers(r, alpha, s, beta, count, age=52.0, horizon=26.0, seed=1):
    random = np.random.default_rng(seed)
    rate = random.gamma(r, 1.0, count) / alpha
    life = random.exponential(1.0, count) / (random.gamma(s, 1.0, count) / beta)

    def left_before(customers, times):
        return times > life[customers]

    return buy(rate, left_before, np.broadcast_to(age, count).astype(float), horizon, random)


def nbd_customers(r, alpha, count, age=52.0, horizon=26.0, seed=1):
    return pareto_nbd_customers(r, alpha, 1.0, 1e12, count, age, horizon, seed)


def shop(count=400, seed=3, windows=4, window_days=50):
    """Snapshots of a shop whose customers differ in rate and spend: the night and closed windows before it."""
    random = np.random.default_rng(seed)
    night, first = date(2024, 6, 30), random.integers(0, 150, count)
    rate, mean = random.gamma(1.0, 1 / 40.0, count), random.gamma(3.0, 20.0, count)
    rows = []
    for customer in range(count):
        days = np.unique(np.concatenate([[0], np.cumsum(random.exponential(1 / rate[customer], 200)).astype(int)]))
        days = days[days + first[customer] < 420] + first[customer]
        rows += [(f"c{customer:04d}", int(day), float(amount)) for day, amount in
                 zip(days, random.gamma(4.0, mean[customer] / 4.0, len(days)), strict=True)]  # fmt: skip
    bought = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    ends = [420 - window_days * number for number in range(windows + 1)]
    parts = [snapshot(bought, end, window_days, is_night=end == 420) for end in ends]
    frame = pd.concat(parts, ignore_index=True)
    frame["snapshot_date"] = [night - timedelta(days=420 - int(end)) for end in frame.pop("end")]
    constant = {"as_of_date": night, "scored_at": pd.Timestamp(night, tz="UTC"), "churn_horizon_days": window_days}
    constant |= {"value_horizon_days": 365, "comparison_days": window_days, "annual_discount_rate": 0.1}
    return frame.assign(**constant)


def snapshot(bought, end, window_days, is_night):
    past = bought[bought["day"] <= end]
    by = past.groupby("customer_id")
    first, last = by["day"].min(), by["day"].max()
    recent = past[past["day"] > end - 90].groupby("customer_id")["amount"]
    repeats = past[past["customer_id"].duplicated()].groupby("customer_id")["amount"].mean()
    later = bought[(bought["day"] > end) & (bought["day"] <= end + window_days)]
    frame = pd.DataFrame(
        {
            "count_repeat_purchases": by.size() - 1,
            "recency_days": last - first,
            "age_days": end - first,
            "days_since_last_purchase": end - last,
            "purchase_amount": by["amount"].sum(),
            "last_purchase_amount": by["amount"].last(),
            "purchase_amount_90d": recent.sum(),
            "count_purchase_days_90d": recent.size(),
        }
    ).fillna(0.0)
    frame["average_repeat_amount"] = repeats
    spent = later.groupby("customer_id")["amount"].sum().reindex(frame.index).fillna(0.0)
    return frame.assign(next_purchase_amount=np.nan if is_night else spent, end=end).reset_index()
