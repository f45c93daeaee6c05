"""The nightly value job: features in, one row per customer out."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kehu.warehouse.runs import Counts
from kehu.warehouse.tables import replace_night
from ml.fits import Fit, save_fit
from ml.tables import night_and_before, read_snapshots
from ml.value.model import ValueModel, fit_value_model

MODEL_VERSION = "value-1"


def score(url: str, as_of_date: date) -> Counts:
    """Fit on the night, score the night and the comparison date with the same parameters, write both."""
    snapshots = read_snapshots(url, as_of_date)
    if snapshots.empty:
        return Counts(0, 0)
    night, before = night_and_before(snapshots)
    model = fit_value_model(night)
    save_fit(url, as_of_date, describe(model, len(night)))
    rows = score_frame(model, night, before)
    written = replace_night(url, "ml", "customer_values", rows, as_of_date)
    return Counts(len(night), written)


def describe(model: ValueModel, count_customers: int) -> Fit:
    """The fit as the report tells it."""
    return Fit(
        model="value",
        model_version=MODEL_VERSION,
        method=model.method,
        is_fallback=model.method != "bg_nbd" or model.spend is None,
        note=model.note,
        count_customers=count_customers,
        parameters=model.parameters(),
    )


def score_frame(model: ValueModel, night: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Rows of `ml.customer_values`, ordered by customer."""
    scores = model.predict(night)
    scores["previous_customer_value"] = model.predict(before)["customer_value"].reindex(night.index)
    scores["as_of_date"] = night["as_of_date"]
    scores["horizon_days"] = night["value_horizon_days"]
    scores["value_method"] = model.method
    scores["model_version"] = MODEL_VERSION
    scores["scored_at"] = night["scored_at"]
    return scores.rename_axis("customer_id").reset_index()
