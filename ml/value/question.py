"""Customer value, as the model registry asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.fits import Fit
from ml.monitors import Matured, matured_amounts
from ml.promotion import Limits
from ml.registry.question import Measured, outcome_query, worse
from ml.tables import Dates, night_and_before
from ml.value.evaluate import measures, of_its_day, predict_window
from ml.value.features import KEY, closed_windows, read_features
from ml.value.hybrid import LOGGED, HybridValue, look_back
from ml.value.model import ValueModel
from ml.value.recipe import MODEL_VERSION, train

KINDS = ("ml.value.model.ValueModel", "ml.value.hybrid.HybridValue")
TRUSTED = (
    *KINDS,
    "sklearn._loss.loss.HalfTweedieLoss",
    "ml.value.bg_nbd.BgNbd",
    "ml.value.covariates.Levels",
    "ml.value.gamma_gamma.GammaGamma",
    "ml.value.nbd.MeanRate",
    "ml.value.nbd.Nbd",
    "ml.value.pareto_nbd.ParetoNbd",
    "ml.value.spend_regressor.SpendRegressor",
)
LABEL = "next_purchase_amount"


class ValueQuestion:
    """How value models are trained, compared and read back; see `ml.registry.question.Question`.

    Ranking is told as (1 + normalised Gini) / 2, which is on the scale of a ROC AUC, and calibration as the distance
    of predicted from actual totals, as a share of the actual one, at most 1. Seasons are not modelled, so totals may be
    far off at single dates; a challenger is compared with what the champion makes of the same dates.
    """

    name = "value"
    code_version = MODEL_VERSION
    packages: tuple[str, ...] = ("ml", "ml.value")
    trusted: tuple[str, ...] = TRUSTED
    kinds: tuple[str, ...] = KINDS
    score_table = "customer_values"
    score_column = "customer_value"
    # Values look further ahead than labels do.
    matured_column = "churn_horizon_value"
    outcomes = outcome_query(
        score_table, matured_column, "churn_horizon_days", "cast(snapshots.next_purchase_amount as double precision)"
    )
    monitors: Mapping[str, str | None] = {"total_error": None, "normalised_gini": "normalised_gini"}
    limits = Limits(calibration_most=0.6, calibration_loss=0.05, auc_deviation=0.1)

    def read(self, url: str, as_of_date: date) -> pd.DataFrame:
        return read_features(url, as_of_date)

    def read_night(self, url: str, as_of_date: date) -> pd.DataFrame:
        return read_features(url, as_of_date, Dates.NIGHT)

    def horizon_days(self, features: pd.DataFrame) -> int:
        return int(features["churn_horizon_days"].iloc[0])

    def train(self, features: pd.DataFrame) -> tuple[ValueModel | None, Fit]:
        model, fit = train(features)
        return (None if model.process_ is None else model), fit

    def training_rows(self, features: pd.DataFrame) -> pd.DataFrame:
        night, _ = night_and_before(features)
        rows = pd.concat([closed_windows(features), night.reset_index()])
        return rows[[*KEY, *LOGGED, "average_repeat_amount", LABEL]].sort_values(
            ["snapshot_date", "customer_id"], ignore_index=True
        )

    def inputs(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows[list(LOGGED)].astype(float)

    def night_rows(self, features: pd.DataFrame) -> pd.DataFrame:
        return night_and_before(features)[0].reset_index()

    def night_inputs(self, features: pd.DataFrame) -> pd.DataFrame:
        return self.inputs(self.night_rows(features))

    def night_scores(self, estimator: ValueModel, features: pd.DataFrame) -> NDArray[np.float64]:
        return estimator.predict(self.night_rows(features))["customer_value"].to_numpy(dtype=float)

    def predict(self, estimator: ValueModel, rows: pd.DataFrame) -> NDArray[np.float64]:
        return np.asarray(predict_window(estimator, rows))

    def matured(self, rows: pd.DataFrame) -> Matured | None:
        return matured_amounts(rows["outcome"], rows["score"])

    def measure(
        self, estimator: ValueModel, trained_as_of: date, features: pd.DataFrame, is_challenger: bool
    ) -> Measured:
        past = look_back(closed_windows(features))
        is_hybrid = isinstance(estimator, HybridValue) and estimator.is_learned
        found = []
        for window in past:
            if not (window.spent > 0).any():
                continue
            was_there = trained_as_of <= window.day
            speaking = estimator if was_there else of_its_day(window, past, is_hybrid)
            figures = _figures(window.spent, predict_window(speaking, window.rows))
            if is_challenger and not was_there:
                itself = _figures(window.spent, predict_window(estimator, window.rows))
                figures = worse(figures, itself, self.limits)
            found.append((window.day, *figures, len(window.rows)))
        dates, ranks, errors, counts = zip(*found, strict=True) if found else ((), (), (), ())
        return Measured(tuple(dates), tuple(ranks), tuple(errors), sum(counts))


def _figures(spent: NDArray, said: NDArray) -> tuple[float, float]:
    found = measures(spent, said)
    return (1.0 + found["normalised_gini"]) / 2.0, min(abs(found["predicted_over_actual"] - 1.0), 1.0)


QUESTION = ValueQuestion()
