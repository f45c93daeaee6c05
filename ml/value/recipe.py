"""How a value model comes about: the purchase process, or the hybrid where closed windows show that it is better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ml.fits import Fit
from ml.measures import calibration_points
from ml.tables import night_and_before
from ml.value.evaluate import back_test, hybrid_wins, of_its_day, predict_window
from ml.value.features import closed_windows
from ml.value.hybrid import ClosedWindow, HybridValue, look_back
from ml.value.model import ValueModel

MODEL_VERSION = "value-2"


def train(snapshots: pd.DataFrame) -> tuple[ValueModel, Fit]:
    """The model that won the back-test on closed windows, fitted on the night, and its description."""
    night, _ = night_and_before(snapshots)
    past = look_back(closed_windows(snapshots))
    tests = back_test(past)
    process = ValueModel().fit(night)
    hybrid = HybridValue.of(process, night, past)
    if hybrid.is_learned and hybrid_wins(tests):
        return hybrid, describe(hybrid, len(night), tests, past)
    process.level_ = hybrid.level_  # what the closed windows say of intervals holds without the regression as well
    return process, describe(process, len(night), tests, past)


def describe(model: ValueModel, count_customers: int, tests: pd.DataFrame, past: Sequence[ClosedWindow] = ()) -> Fit:
    """The fit as the report tells it."""
    is_hybrid = isinstance(model, HybridValue) and model.is_learned
    won = " A regression on closed windows ranked customers better in the back-test; values follow it."
    return Fit(
        model="value",
        model_version=MODEL_VERSION,
        method=value_method(model),
        is_fallback=model.is_fallback_,
        note=model.note + (won if is_hybrid else ""),
        count_customers=count_customers,
        parameters=model.parameters() | {"interval_level": model.level_},
        metrics=_metrics(tests, "hybrid" if is_hybrid else "process"),
        calibration=_calibration(is_hybrid, past),
    )


def value_method(model: ValueModel) -> str:
    """The purchase process that answers, with `_hybrid` behind it where a regression corrects its values."""
    is_hybrid = isinstance(model, HybridValue) and model.is_learned
    return f"{model.method_}_hybrid" if is_hybrid else model.method_


def _metrics(tests: pd.DataFrame, method: str) -> dict[str, float]:
    """Means over the back-test's windows."""
    if tests.empty:
        return {}
    own = tests[tests["method"] == method].drop(columns=["snapshot_date", "method"])
    means = {str(name): float(value) for name, value in own.mean().items() if pd.notna(value)}
    return means | {"count_windows": float(len(own))}


def _calibration(is_hybrid: bool, past: Sequence[ClosedWindow]) -> tuple[tuple[float, float, float], ...]:
    """What customers were expected to spend in closed windows, by models of their days, and what they spent."""
    if not past:
        return ()
    said = [predict_window(of_its_day(window, past, is_hybrid), window.rows) for window in past]
    return calibration_points(np.concatenate([window.spent for window in past]), np.concatenate(said))
