"""What the registry must know of a question whose models it keeps."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any, Protocol

import numpy as np
import pandas as pd
import sklearn
import skops
from numpy.typing import NDArray

from ml.fits import Fit
from ml.monitors import Matured
from ml.promotion import Limits

LIBRARIES = f"scikit-learn {sklearn.__version__}, skops {skops.__version__}"


OUTCOMES = """
select
    scores.{score} as score, {label} as outcome, scores.model_version,
    snapshots.churn_contact_share as contact_share, snapshots.churn_horizon_days as horizon_days
from ml_features.ftr_customer_snapshots as snapshots
inner join ml.{table} as scores
    on snapshots.customer_id = scores.customer_id and snapshots.snapshot_date = scores.as_of_date
where
    snapshots.as_of_date = date '{night}'
    and snapshots.snapshot_date = snapshots.as_of_date - snapshots.churn_horizon_days
    -- A date that the planner knows: scores of all nights are many.
    and scores.as_of_date = date '{night}' - (
        select min(tonight.churn_horizon_days) from ml_features.ftr_customer_snapshots as tonight
        where tonight.as_of_date = date '{night}'
    )
    and scores.{horizon} = snapshots.churn_horizon_days
    and {label} is not null
    and scores.{score} is not null
order by scores.customer_id
"""


def outcome_query(table: str, score: str, horizon: str, label: str) -> str:
    """Query of the scores given one label horizon before {night}, and of what happened since, ordered by customer.

    Columns are score, outcome, contact_share, horizon_days and model_version. `label` is SQL over `snapshots`, whose
    training dates know the customers as they were known then, as the scores of that night did.
    """
    return OUTCOMES.format(table=table, score=score, horizon=horizon, label=label, night="{night}")


@dataclass(frozen=True)
class Measured:
    """How good a model is at several dates, by fits that knew only what was known then.

    Attributes
    ----------
    dates
        As-of dates, in order.
    roc_auc, calibration_error
        One figure per date. A question without two classes tells figures on the same scales.
    count_rows
        Rows of all dates.
    """

    dates: tuple[date, ...]
    roc_auc: tuple[float, ...]
    calibration_error: tuple[float, ...]
    count_rows: int


class Question(Protocol):
    """One question: how its models are trained, compared and read back."""

    name: str
    code_version: str
    """A model scores only with the code version it was trained with: raise it when inputs or their meaning change."""
    packages: tuple[str, ...]
    """The packages whose files make a model what it is."""
    trusted: tuple[str, ...]
    kinds: tuple[str, ...]
    limits: Limits
    """What a challenger must keep to."""
    score_table: str
    """The table of the schema `ml` that holds each night's scores."""
    score_column: str
    matured_column: str
    """The score whose outcome comes to be known: `score_column`, or one that does not look further than labels."""
    outcomes: str
    """Query (`outcome_query`) of the scores given one horizon before {night} and of what happened since."""
    monitors: Mapping[str, str | None]
    """What is monitored of scores whose outcome is known, and which measure of a back-test tells what to expect."""

    def read(self, url: str, as_of_date: date) -> Any:
        """All that training needs of the night's feature tables."""

    def read_night(self, url: str, as_of_date: date) -> Any:
        """Of the night's feature tables the rows of the night itself, checked alike."""

    def horizon_days(self, features: Any) -> int:
        """Length of the label windows."""

    def train(self, features: Any) -> tuple[Any, Fit]:
        """A fitted estimator, None where the night carries none; and its description."""

    def training_rows(self, features: Any) -> pd.DataFrame:
        """What the estimator learned from: snapshot_date, customer_id, label and inputs, ordered by key."""

    def inputs(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns of rows whose drift is watched, as numbers."""

    def night_rows(self, features: Any) -> pd.DataFrame:
        """The night's rows, as `inputs` and `predict` take them."""

    def night_inputs(self, features: Any) -> pd.DataFrame:
        """`inputs` of the night's rows, one per customer."""

    def night_scores(self, estimator: Any, features: Any) -> NDArray[np.float64]:
        """The score that the night keeps of each customer, `score_column` of `score_table`, in the same order."""

    def predict(self, estimator: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
        """What the estimator says of rows: a probability or an amount."""

    def matured(self, rows: pd.DataFrame) -> Matured | None:
        """The monitors' figures of the rows of `outcomes`; None without any."""

    def measure(self, estimator: Any, trained_as_of: date, features: Any, is_challenger: bool) -> Measured:
        """What nights of past dates would have got from this estimator.

        It speaks itself on dates from `trained_as_of` on; on earlier ones a fit of the same settings that knew only
        what was known then. A challenger must be as good itself on the dates it learned from: the worse figure counts.
        """


def code_hash(packages: Sequence[str]) -> str:
    """SHA-256 of all Python and YAML files of some packages (not of packages within), in the order of their names."""
    told = hashlib.sha256()
    for package in sorted(packages):
        folder = resources.files(importlib.import_module(package))
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            if file.name.endswith((".py", ".yml")):
                told.update(f"{package}/{file.name}\n".encode() + file.read_bytes())
    return told.hexdigest()


def data_hash(rows: pd.DataFrame) -> str:
    """SHA-256 of a frame's columns and rows, in the order they have."""
    told = hashlib.sha256(",".join(map(str, rows.columns)).encode())
    plain = rows.assign(**{str(name): rows[name].astype(str) for name in rows.select_dtypes(exclude="number")})
    told.update(pd.util.hash_pandas_object(plain, index=False).to_numpy().tobytes())
    return told.hexdigest()


def worse(recipe: tuple[float, float], itself: tuple[float, float], limits: Limits) -> tuple[float, float]:
    """Ranking and calibration that count for a challenger at a date that it learned from.

    What its settings reached without knowing the date, unless it does clearly worse itself although it knows the
    date: then something went wrong in its last training.
    """
    ranking = recipe[0] if itself[0] >= recipe[0] - limits.auc_loss_at_a_date else itself[0]
    calibration = recipe[1] if itself[1] <= max(recipe[1], limits.calibration_most) else itself[1]
    return ranking, calibration
