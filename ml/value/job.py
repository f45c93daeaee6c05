"""The nightly value job: features in, one row per customer out."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kehu.warehouse.runs import Counts
from kehu.warehouse.tables import replace_night
from ml.fits import save_fit
from ml.registry.night import speaker
from ml.tables import Dates, night_and_before
from ml.value.evaluate import predict_window
from ml.value.features import read_features
from ml.value.model import ValueModel
from ml.value.question import QUESTION
from ml.value.recipe import MODEL_VERSION, value_method


def score(url: str, as_of_date: date, run_id: int | None = None) -> Counts:
    """Score the night and the comparison date by the night's champion, write both; the first night trains one.

    Raises
    ------
    RegistryError
        If the champion is not what the registry stored.
    """
    snapshots = read_features(url, as_of_date, Dates.SCORED)
    if snapshots.empty:
        return Counts(0, 0)
    night, before = night_and_before(snapshots)
    horizon = QUESTION.horizon_days(snapshots)
    model, fit = speaker(url, QUESTION, as_of_date, horizon, len(night), lambda: QUESTION.read(url, as_of_date), run_id)
    save_fit(url, as_of_date, fit)
    rows = score_frame(ValueModel().fit(night) if model is None else model, night, before, fit.model_version)
    written = replace_night(url, "ml", "customer_values", rows, as_of_date)
    return Counts(len(night), written)


def score_frame(
    model: ValueModel, night: pd.DataFrame, before: pd.DataFrame, model_version: str = MODEL_VERSION
) -> pd.DataFrame:
    """Rows of `ml.customer_values`, ordered by customer."""
    scores = model.predict(night).join(model.intervals(night))
    scores["previous_customer_value"] = model.predict(before)["customer_value"].reindex(night.index)
    scores["as_of_date"] = night["as_of_date"]
    scores["horizon_days"] = night["value_horizon_days"]
    scores["churn_horizon_days"] = night["churn_horizon_days"]
    scores["churn_horizon_value"] = predict_window(model, night)
    scores["interval_share"] = model.level
    scores["value_method"] = value_method(model)
    scores["model_version"] = model_version
    scores["scored_at"] = night["scored_at"]
    return scores.rename_axis("customer_id").reset_index().sort_values("customer_id", ignore_index=True)
