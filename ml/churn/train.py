"""From labelled snapshots to a fitted churn model: rows, groups and columns in a fixed order."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ml.churn.features import FEATURES, KEY, LABEL, feature_matrix
from ml.churn.model import ChurnClassifier
from ml.churn.process import COLUMN

INPUTS = (*FEATURES, COLUMN)
MIN_LABELLED = 200
MIN_PER_CLASS = 30
MAX_ROWS = 60_000
GROUPS = 1_000_000


def labelled(snapshots: pd.DataFrame) -> pd.DataFrame:
    """The training rows: snapshots whose label window has closed by the night, in the order of the key."""
    return snapshots[snapshots[LABEL].notna()].sort_values(list(KEY))


def has_enough(rows: pd.DataFrame) -> bool:
    """Whether labelled rows carry a fit: enough in all and of each outcome."""
    churned = int(rows[LABEL].astype(bool).sum())
    return len(rows) >= MIN_LABELLED and min(churned, len(rows) - churned) >= MIN_PER_CLASS


def customer_groups(customers: pd.Series) -> NDArray[np.int64]:
    """A whole number below `GROUPS` for each customer, by a hash of the id: the same on each night."""
    distinct, inverse = np.unique(customers.to_numpy(dtype=str), return_inverse=True)
    hashed = [int.from_bytes(hashlib.md5(name.encode(), usedforsecurity=False).digest()[:8]) for name in distinct]
    return np.asarray([value % GROUPS for value in hashed], dtype=np.int64)[inverse]


def input_matrix(rows: pd.DataFrame) -> pd.DataFrame:
    """`INPUTS` of each row: the features and the process's probability (`ml.churn.process.add_process` adds it)."""
    return feature_matrix(rows).assign(**{COLUMN: rows[COLUMN].astype(np.float32)})


def drawn(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most about `most` rows, in the order they had: whole customers, by a hash of the id."""
    if len(rows) <= most:
        return rows
    return rows[customer_groups(rows["customer_id"]) < GROUPS * most / len(rows)]


def fit_churn(rows: pd.DataFrame, method: str = "blend", seed: int = 0) -> ChurnClassifier:
    """A model of the usual settings, fitted on labelled rows (`fit_on`)."""
    return fit_on(ChurnClassifier(method, process_column=len(INPUTS) - 1, random_state=seed), rows)


def fit_on(model: ChurnClassifier, rows: pd.DataFrame) -> ChurnClassifier:
    """Fit on labelled rows, in any order, at most about `MAX_ROWS` of them.

    More rows of the same customers teach hardly more, and a night must end.
    """
    known = drawn(rows.sort_values(list(KEY)), MAX_ROWS)
    with threadpool_limits(1):  # sums of several threads end in any order
        return model.fit(input_matrix(known), known[LABEL].astype(bool).to_numpy(), calibration_rows(known))


def calibration_rows(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows calibration may use: those of the newest third of the dates; none where there is one date only."""
    dates = np.sort(rows["snapshot_date"].unique())
    if len(dates) < 2:
        return np.zeros(len(rows), dtype=bool)
    newest = dates[min(int(len(dates) * 2 / 3), len(dates) - 1)]
    return np.asarray((rows["snapshot_date"] >= newest).to_numpy())


def predict_churn(model: ChurnClassifier, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Probability of no purchase within the horizon, one value per row."""
    if rows.empty:
        return np.empty(0)
    return np.asarray(model.predict_proba(input_matrix(rows))[:, 1])
