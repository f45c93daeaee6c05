"""How long cohorts of customers keep buying: Kaplan-Meier curves with intervals.

A customer is alive on a day if another purchase follows within the churn horizon. So life ends with the purchase that
the first longer silence followed, and nobody's last `horizon_days` before the night can be judged yet: there each
customer is censored, at the same age whatever they did, which Kaplan-Meier needs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

STEP_DAYS = 30
ALL = "all"


def lifetimes(night: pd.DataFrame) -> pd.DataFrame:
    """Per row of the night's snapshot: `cohort` (quarter of the first purchase), `days`, `has_ended`; same index.

    Customers whose first purchase lies within the horizon are left out: nothing can be said of them yet.
    """
    judged = (night["age_days"] - night["churn_horizon_days"]).astype(float)
    ended = night["silent_from_days"].astype(float)
    first = pd.to_datetime(night["first_purchase_date"])
    cohort = first.dt.year.astype(str) + " Q" + first.dt.quarter.astype(str)
    days = np.minimum(ended.fillna(np.inf), judged)
    table = pd.DataFrame({"cohort": cohort, "days": days, "has_ended": ended.notna() & (ended <= judged)})
    return table[judged >= 0]


def survival_curves(night: pd.DataFrame) -> pd.DataFrame:
    """One row per cohort and each 30th day that somebody of it was followed to; `ALL` is everybody.

    Columns: `cohort`, `days_since_first_purchase`, `count_customers` (of the cohort), `count_at_risk` (still followed
    and alive), `survival_share` with a 95 % interval (log-log: Kalbfleisch, J. D., Prentice, R. L. (1980), as
    `lifelines` computes it). A share of 1 or 0 has no such interval; both ends are null there.
    """
    table = lifetimes(night)
    groups = [(ALL, table), *table.groupby("cohort")]
    curves = [_curve(str(name), part) for name, part in groups if len(part)]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=COLUMNS)


COLUMNS = (
    "cohort",
    "days_since_first_purchase",
    "count_customers",
    "count_at_risk",
    "survival_share",
    "survival_lower",
    "survival_upper",
)


def _curve(name: str, part: pd.DataFrame) -> pd.DataFrame:
    from lifelines import KaplanMeierFitter

    points = np.arange(0, int(part["days"].max()) + 1, STEP_DAYS)
    fitted = KaplanMeierFitter().fit(part["days"], part["has_ended"])
    share = fitted.survival_function_at_times(points).to_numpy()
    interval = fitted.confidence_interval_survival_function_
    # The interval steps where the curve does: its newest step up to each point.
    ends = interval.iloc[np.searchsorted(interval.index.to_numpy(), points, side="right") - 1].to_numpy()
    certain = (share <= 0.0) | (share >= 1.0)
    ordered = np.sort(part["days"].to_numpy())
    return pd.DataFrame(
        {
            "cohort": name,
            "days_since_first_purchase": points,
            "count_customers": len(part),
            "count_at_risk": len(part) - np.searchsorted(ordered, points, side="left"),
            "survival_share": share,
            "survival_lower": np.where(certain, np.nan, ends[:, 0]),
            "survival_upper": np.where(certain, np.nan, ends[:, 1]),
        }
    )
