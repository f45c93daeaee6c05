"""The nightly churn job: the night's champion scores the night and the comparison date; the first night trains one."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from kehu.warehouse.runs import Counts
from kehu.warehouse.tables import replace_night
from ml.churn.features import read_features
from ml.churn.model import ChurnClassifier
from ml.churn.process import COLUMN, add_process
from ml.churn.question import QUESTION
from ml.churn.reasons import columns as reason_columns
from ml.churn.reasons import reasons_of
from ml.churn.recipe import MODEL_VERSION
from ml.churn.survival import survival_curves
from ml.churn.train import predict_churn
from ml.fits import save_fit
from ml.registry.night import speaker
from ml.tables import Dates, night_and_before


def score(url: str, as_of_date: date, run_id: int | None = None) -> Counts:
    """Score by the night's champion or fall back, write one row per customer and the cohorts' survival curves.

    Raises
    ------
    LeakError
        If there is no champion yet, and a feature seems to know the future; nothing is written then.
    RegistryError
        If the champion is not what the registry stored.
    """
    snapshots = read_features(url, as_of_date, Dates.SCORED)
    if snapshots.empty:
        return Counts(0, 0)
    night, _ = night_and_before(snapshots)
    horizon = int(night["churn_horizon_days"].iloc[0])
    # Sums of several threads end in any order; and threads that wait for each other cost more than they bring here.
    with threadpool_limits(1):
        model, fit = speaker(
            url,
            QUESTION,
            as_of_date,
            horizon,
            len(night),
            lambda: QUESTION.read(url, as_of_date),
            run_id,
        )
        scores = score_frame(model, fit.method, snapshots, fit.model_version)
    save_fit(url, as_of_date, fit)
    curves = survival_curves(night).assign(as_of_date=as_of_date, scored_at=snapshots["scored_at"].iloc[0])
    replace_night(url, "ml", "survival_curves", curves, as_of_date)
    return Counts(len(night), replace_night(url, "ml", "customer_churn", scores, as_of_date))


def score_frame(
    model: ChurnClassifier | None, method: str, snapshots: pd.DataFrame, model_version: str = MODEL_VERSION
) -> pd.DataFrame:
    """Rows of `ml.customer_churn`, ordered by customer; `snapshots` hold the night and the comparison date."""
    night, before = (add_process(part.reset_index()).set_index("customer_id") for part in night_and_before(snapshots))
    scores = pd.DataFrame({"churn_probability": _probability(model, night)}, index=night.index)
    previous = pd.Series(_probability(model, before), index=before.index, dtype=float)
    scores["previous_churn_probability"] = previous.reindex(night.index)
    if model is not None:
        scores = scores.join(reasons_of(model, night))
    else:
        scores = scores.assign(**dict.fromkeys(reason_columns(), None))
    scores["as_of_date"] = night["as_of_date"]
    scores["horizon_days"] = night["churn_horizon_days"]
    scores["churn_method"] = method
    scores["model_version"] = model_version
    scores["scored_at"] = night["scored_at"]
    return scores.rename_axis("customer_id").sort_index().reset_index()


def _probability(model: ChurnClassifier | None, rows: pd.DataFrame) -> NDArray[np.float64]:
    return rows[COLUMN].to_numpy(dtype=float) if model is None else predict_churn(model, rows)
