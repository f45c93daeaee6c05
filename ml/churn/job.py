"""The nightly churn job: train on closed windows, score the night and the comparison date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd

from kehu.warehouse.runs import Counts
from kehu.warehouse.tables import replace_night
from ml.churn.evaluate import back_test
from ml.churn.model import FEATURES, fit_churn_model, has_enough, labelled, predict_churn
from ml.fits import Fit, save_fit
from ml.tables import night_and_before, read_snapshots
from ml.value.model import fit_value_model

MODEL_VERSION = "churn-1"
Predictor = Callable[[pd.DataFrame], np.ndarray]


def score(url: str, as_of_date: date) -> Counts:
    """Fit or fall back, score, write one row per customer."""
    snapshots = read_snapshots(url, as_of_date)
    if snapshots.empty:
        return Counts(0, 0)
    night, before = night_and_before(snapshots)
    predict, fit = train(snapshots, night)
    save_fit(url, as_of_date, fit)
    rows = score_frame(predict, fit.method, night, before)
    written = replace_night(url, "ml", "customer_churn", rows, as_of_date)
    return Counts(len(night), written)


def train(snapshots: pd.DataFrame, night: pd.DataFrame) -> tuple[Predictor, Fit]:
    """A predictor and its description: logistic if the labels carry it, else from the purchase process."""
    rows = labelled(snapshots)
    if has_enough(rows):
        model = fit_churn_model(rows)
        note = f"Logistic regression on {len(rows)} labelled snapshots; measured on the newest closed window."
        weights = dict(zip(FEATURES, map(float, model[-1].coef_[0]), strict=True))
        fit = Fit("churn", MODEL_VERSION, "logistic", False, note, len(night), weights, back_test(rows))
        return lambda frame: predict_churn(model, frame), fit
    process = fit_value_model(night)
    if process.process is not None:
        note = "Too few closed windows to train on: the probability of no purchase comes from the purchase process."
        fit = Fit("churn", MODEL_VERSION, "purchase_process", True, note, len(night))
        return lambda frame: process.probability_no_purchase(frame, frame["churn_horizon_days"].to_numpy(float)), fit
    note = "Too little history for a churn probability; none is given."
    fit = Fit("churn", MODEL_VERSION, "none", True, note, len(night))
    return lambda frame: np.full(len(frame), np.nan), fit


def score_frame(predict: Predictor, method: str, night: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Rows of `ml.customer_churn`, ordered by customer."""
    scores = pd.DataFrame({"churn_probability": predict(night)}, index=night.index)
    previous = pd.Series(predict(before), index=before.index, dtype=float)
    scores["previous_churn_probability"] = previous.reindex(night.index)
    scores["as_of_date"] = night["as_of_date"]
    scores["horizon_days"] = night["churn_horizon_days"]
    scores["churn_method"] = method
    scores["model_version"] = MODEL_VERSION
    scores["scored_at"] = night["scored_at"]
    return scores.rename_axis("customer_id").reset_index()
