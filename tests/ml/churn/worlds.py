"""Small shops with known histories: every order of every customer, and the snapshots a night would see of them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from ml.churn.rederive import rederive

HORIZON = 60
FIRST_DAY = pd.Timestamp("2023-01-01")
NIGHT = pd.Timestamp("2023-12-31")
DATES = [NIGHT - pd.Timedelta(days=HORIZON + 20 * number) for number in range(8)][::-1]


@cache
def orders(customers: int = 700, seed: int = 3) -> pd.DataFrame:
    """Orders of customers who buy at gamma rates and leave for good at some time: customer_id, day, amount, return."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        day = random.integers(0, 240)
        rate = random.gamma(1.2, 1 / 40)
        gone = day + random.exponential(200)
        size = np.exp(random.normal(3, 0.5))
        while day < min(gone, 364):
            rows.append((f"c{number:04d}", int(day), round(size * random.uniform(0.5, 1.5), 2), random.random() < 0.1))
            day += max(1, int(random.exponential(1 / rate)))
    return pd.DataFrame(rows, columns=["customer_id", "day", "amount", "is_returned"])


def movements(dates=None) -> pd.DataFrame:
    """What `ftr_customer_movements` would hold, for all customers, each snapshot's label window included."""
    made = orders()
    made = made.assign(order_id=[f"o{number}" for number in range(len(made))])
    parts = []
    for date in dates or DATES:
        then = made.assign(snapshot_date=date, ordered_on=FIRST_DAY + pd.to_timedelta(made["day"], unit="D"))
        sales = then.assign(moved_on=then["ordered_on"], is_return=False, count_lines=2)
        back = then[then["is_returned"]]
        back = back.assign(moved_on=back["ordered_on"] + pd.Timedelta(days=9), is_return=True, count_lines=0)
        back = back.assign(amount=-back["amount"] / 2, order_id="r" + back["order_id"])
        both = pd.concat([sales, back])
        parts.append(both[both["moved_on"] <= date + pd.Timedelta(days=HORIZON)])
    return pd.concat(parts, ignore_index=True)


@cache
def snapshots() -> pd.DataFrame:
    """Labelled snapshots of `DATES` and the night's, as `ml.churn.features.read_features` gives them."""
    table = movements([*DATES, NIGHT])
    found = rederive(table, HORIZON)
    later = table[(table["ordered_on"] > table["snapshot_date"]) & ~table["is_return"]]
    came_back = pd.MultiIndex.from_frame(later[["customer_id", "snapshot_date"]].drop_duplicates())
    here = pd.MultiIndex.from_frame(found[["customer_id", "snapshot_date"]])
    found["has_churned"] = pd.Series(~here.isin(came_back), dtype=object).where(found["snapshot_date"] < NIGHT, None)
    found["first_purchase_date"] = (found["snapshot_date"] - pd.to_timedelta(found["age_days"], unit="D")).dt.date
    found["silent_from_days"] = np.nan
    found["snapshot_date"] = found["snapshot_date"].dt.date
    fixed = {"as_of_date": NIGHT.date(), "scored_at": NIGHT, "churn_horizon_days": HORIZON, "value_horizon_days": 365}
    return found.assign(**fixed, comparison_days=28, churn_contact_share=0.3).sort_values(
        ["snapshot_date", "customer_id"]
    )


def labelled_rows() -> pd.DataFrame:
    rows = snapshots()
    return rows[rows["has_churned"].notna()].reset_index(drop=True)


def night_rows() -> pd.DataFrame:
    rows = snapshots()
    return rows[rows["has_churned"].isna()].reset_index(drop=True)
