"""Probability of no purchase within the horizon, by logistic regression on point-in-time features."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

FEATURES = (
    "days_since_last_purchase",
    "count_repeat_purchases",
    "age_days",
    "recency_days",
    "count_purchase_days_90d",
    "purchase_amount",
)
MIN_LABELLED = 200
MIN_PER_CLASS = 30


def make_model() -> Pipeline:
    """An unfitted pipeline: log(1 + feature), scaling kept with the model, logistic regression."""
    return make_pipeline(
        FunctionTransformer(np.log1p, feature_names_out="one-to-one"),
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )


def labelled(snapshots: pd.DataFrame) -> pd.DataFrame:
    """The training rows: snapshots whose label window has closed by the night, in key order."""
    rows = snapshots[snapshots["has_churned"].notna()]
    return rows.sort_values(["snapshot_date", "customer_id"])


def has_enough(rows: pd.DataFrame) -> bool:
    """Whether labelled rows carry a fit: enough in all and of each outcome."""
    churned = int(rows["has_churned"].astype(bool).sum())
    return len(rows) >= MIN_LABELLED and min(churned, len(rows) - churned) >= MIN_PER_CLASS


def fit_churn_model(rows: pd.DataFrame) -> Pipeline:
    """Fit on labelled snapshot rows."""
    return make_model().fit(rows[list(FEATURES)].astype(float), rows["has_churned"].astype(bool))


def predict_churn(model: Pipeline, rows: pd.DataFrame) -> np.ndarray:
    """Probability of no purchase within the horizon, one value per row."""
    if rows.empty:
        return np.empty(0)
    return np.asarray(model.predict_proba(rows[list(FEATURES)].astype(float))[:, 1])
