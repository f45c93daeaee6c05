"""How a churn model comes about: leaks looked for, methods compared on closed windows, the best one fitted on all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.churn.evaluate import BackTest, measure, walk_forward
from ml.churn.features import COLUMNS, LABEL
from ml.churn.leaks import require_clean
from ml.churn.model import ChurnClassifier
from ml.churn.process import COLUMN, add_process
from ml.churn.rederive import rederive
from ml.churn.train import drawn, fit_churn, has_enough, labelled
from ml.fits import Fit
from ml.measures import calibration_points

MODEL_VERSION = "churn-2"
CHECKED_ROWS = 50_000


def train(snapshots: pd.DataFrame, movements: pd.DataFrame) -> tuple[ChurnClassifier | None, Fit]:
    """A fitted model and its description; None where labels do not carry one, so that the purchase process speaks.

    Raises
    ------
    LeakError
        If a feature seems to know the future.
    """
    rows = snapshots[snapshots[LABEL].notna()]
    night = snapshots[snapshots["snapshot_date"] == snapshots["as_of_date"]]
    if not has_enough(rows):
        return None, _fallback(night)
    horizon = int(night["churn_horizon_days"].iloc[0])
    derived = rederive(movements, horizon) if len(movements) else None
    require_clean(drawn(rows, CHECKED_ROWS), COLUMNS, night, derived)
    ordered = add_process(labelled(rows))
    test = walk_forward(ordered, horizon)
    metrics = _metrics(test, float(night["churn_contact_share"].iloc[0]))
    if metrics:
        require_clean(ordered.head(0), (), night.head(0), back_test=metrics)
    method = test.choose() if test.dates else "blend"
    model = fit_churn(ordered, method)
    slope, intercept = model.scaling()
    parameters = {"slope": slope, "intercept": intercept, "count_rows": float(len(ordered))}
    note = (
        f"Trained on {len(ordered)} labelled snapshots, method {method}; measured at {len(test.dates)} dates by fits"
        " that knew only the windows closed by then."
    )
    points = calibration_points(test.predictions[LABEL], test.chosen()) if test.dates else ()
    return model, Fit("churn", MODEL_VERSION, method, False, note, len(night), parameters, metrics, points)


def _fallback(night: pd.DataFrame) -> Fit:
    if bool(add_process(night)[COLUMN].notna().any()):
        note = "Too few closed windows to train on: the probability of no purchase comes from the purchase process."
        return Fit("churn", MODEL_VERSION, "purchase_process", True, note, len(night))
    return Fit(
        "churn", MODEL_VERSION, "none", True, "Too little history for a churn probability; none is given.", len(night)
    )


def _metrics(test: BackTest, contact_share: float) -> dict[str, float]:
    """Each measure with its interval, as flat names; empty without a date to measure on."""
    if not test.dates:
        return {}
    found = {"count_dates": float(len(test.dates)), "count_held_out": float(len(test.predictions))}
    for name, interval in measure(test, share=contact_share).items():
        found |= {name: interval.value, f"{name}_lower": interval.lower, f"{name}_upper": interval.upper}
    return {name: value for name, value in found.items() if np.isfinite(value)}
