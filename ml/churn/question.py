"""Churn, as the model registry asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from ml.churn.evaluate import DATES, MAX_HELD_OUT
from ml.churn.features import COLUMNS, KEY, LABEL, feature_matrix, read_features, read_movements
from ml.churn.model import ChurnClassifier
from ml.churn.process import add_process
from ml.churn.recipe import MODEL_VERSION
from ml.churn.recipe import train as train_churn
from ml.churn.train import drawn, fit_on, has_enough, labelled, predict_churn
from ml.fits import Fit
from ml.measures import expected_calibration_error, roc_auc
from ml.monitors import Matured, matured
from ml.promotion import Limits
from ml.registry.question import Measured, outcome_query, worse
from ml.tables import Dates, night_and_before

KINDS = ("ml.churn.model.ChurnClassifier",)
# Beside what skops holds to be harmless. Trees are not, as a forged one could read beyond its memory: their hash is
# checked first, and only what this project trained has one.
TRUSTED = (*KINDS, "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")


@dataclass(frozen=True)
class ChurnFeatures:
    """`ftr_customer_snapshots` and `ftr_customer_movements` of one night."""

    snapshots: pd.DataFrame
    movements: pd.DataFrame

    @cached_property
    def labelled(self) -> pd.DataFrame:
        """Rows whose window has closed, with what the purchase process says of them."""
        return add_process(labelled(self.snapshots))


class ChurnQuestion:
    """How churn models are trained, compared and read back; see `ml.registry.question.Question`."""

    name = "churn"
    code_version = MODEL_VERSION
    packages: tuple[str, ...] = ("ml", "ml.churn", "ml.value")
    trusted: tuple[str, ...] = TRUSTED
    kinds: tuple[str, ...] = KINDS
    limits = Limits()
    score_table = "customer_churn"
    score_column = "churn_probability"
    matured_column = score_column
    outcomes = outcome_query(score_table, score_column, "horizon_days", "snapshots.has_churned")
    monitors: Mapping[str, str | None] = {
        "calibration_error": "expected_calibration_error_per_date",
        "brier_score": "brier_score",
        "recall_at_contact_share": "recall_at_contact_share",
    }
    dates = DATES
    """At how many dates models are compared."""

    def read(self, url: str, as_of_date: date) -> ChurnFeatures:
        return ChurnFeatures(read_features(url, as_of_date), read_movements(url))

    def read_night(self, url: str, as_of_date: date) -> ChurnFeatures:
        return ChurnFeatures(read_features(url, as_of_date, Dates.NIGHT), pd.DataFrame())

    def horizon_days(self, features: ChurnFeatures) -> int:
        return int(features.snapshots["churn_horizon_days"].iloc[0])

    def train(self, features: ChurnFeatures) -> tuple[ChurnClassifier | None, Fit]:
        return train_churn(features.snapshots, features.movements)

    def training_rows(self, features: ChurnFeatures) -> pd.DataFrame:
        return labelled(features.snapshots)[[*KEY, *COLUMNS, LABEL]]

    def inputs(self, rows: pd.DataFrame) -> pd.DataFrame:
        return feature_matrix(rows)

    def night_rows(self, features: ChurnFeatures) -> pd.DataFrame:
        return add_process(night_and_before(features.snapshots)[0].reset_index())

    def night_inputs(self, features: ChurnFeatures) -> pd.DataFrame:
        return self.inputs(night_and_before(features.snapshots)[0])

    def night_scores(self, estimator: ChurnClassifier, features: ChurnFeatures) -> NDArray[np.float64]:
        return self.predict(estimator, self.night_rows(features))

    def predict(self, estimator: ChurnClassifier, rows: pd.DataFrame) -> NDArray[np.float64]:
        return predict_churn(estimator, rows)

    def matured(self, rows: pd.DataFrame) -> Matured | None:
        return matured(rows["outcome"], rows["score"], float(rows["contact_share"].iloc[0])) if len(rows) else None

    def measure(
        self, estimator: ChurnClassifier, trained_as_of: date, features: ChurnFeatures, is_challenger: bool
    ) -> Measured:
        rows, horizon = features.labelled, self.horizon_days(features)
        found = []
        for day in sorted(rows["snapshot_date"].unique())[-self.dates :]:
            earlier = rows[rows["snapshot_date"] <= day - timedelta(days=horizon)]
            then = drawn(rows[rows["snapshot_date"] == day], MAX_HELD_OUT)
            if not has_enough(earlier) or then[LABEL].nunique() < 2:
                continue
            was_there = trained_as_of <= day
            speaking = estimator if was_there else fit_on(clone(estimator), earlier)
            figures = _figures(speaking, then)
            if is_challenger and not was_there:
                figures = worse(figures, _figures(estimator, then), self.limits)
            found.append((day, *figures, len(then)))
        dates, areas, errors, counts = zip(*found, strict=True) if found else ((), (), (), ())
        return Measured(tuple(dates), tuple(areas), tuple(errors), sum(counts))


def _figures(estimator: ChurnClassifier, rows: pd.DataFrame) -> tuple[float, float]:
    """ROC AUC and calibration error on the rows of one date."""
    outcome, said = rows[LABEL].astype(bool).to_numpy(), predict_churn(estimator, rows)
    return roc_auc(outcome, said), expected_calibration_error(outcome, said)


QUESTION = ChurnQuestion()
