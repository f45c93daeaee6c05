"""How good values are: each closed window predicted as of its first day, by what had closed before that day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from ml.measures import normalised_gini
from ml.value.hybrid import ClosedWindow, HybridValue
from ml.value.intervals import count_inside, tails
from ml.value.likelihood import Array
from ml.value.model import ValueModel

BOOTSTRAPS = 200
SEED = 7
MOST_MISSED = 1.1  # a winner's absolute error may be so many times the loser's


def measures(actual: Array, predicted: Array) -> dict[str, float]:
    """Normalised Gini, Spearman's rank correlation, mean absolute error, and predicted over actual total."""
    is_constant = len(actual) < 2 or np.ptp(actual) == 0 or np.ptp(predicted) == 0
    return {
        "normalised_gini": normalised_gini(actual, predicted),
        "spearman": float("nan") if is_constant else float(spearmanr(actual, predicted).statistic),
        "mean_absolute_error": float(np.abs(actual - predicted).mean()),
        "predicted_over_actual": float(predicted.sum() / actual.sum()) if actual.sum() > 0 else float("nan"),
    }


def intervals_of(actual: Array, predicted: Array) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals of `measures` over customers."""
    random = np.random.default_rng(SEED)
    drawn = [random.integers(0, len(actual), len(actual)) for _ in range(BOOTSTRAPS)]
    table = pd.DataFrame([measures(actual[rows], predicted[rows]) for rows in drawn])
    return {name: (float(table[name].quantile(0.025)), float(table[name].quantile(0.975))) for name in map(str, table)}


def predict_window(model: ValueModel, rows: pd.DataFrame) -> Array:
    """What each customer is expected to spend in the label window."""
    return model.value_within(rows, rows["churn_horizon_days"].to_numpy(dtype=float), np.zeros(len(rows)))


def coverage(model: ValueModel, rows: pd.DataFrame) -> float:
    """Share of customers whose spending in the label window lies in the model's interval."""
    horizon = rows["churn_horizon_days"].to_numpy(dtype=float)
    quantiles = model.spent_quantiles(rows, horizon, tails(model.level_))
    return count_inside(quantiles, rows["next_purchase_amount"].to_numpy(dtype=float)) / len(rows)


def of_its_day(window: ClosedWindow, past: Sequence[ClosedWindow], is_hybrid: bool) -> ValueModel:
    """What spoke on the day of a window: its value model, or a hybrid if windows closed by that day carry one."""
    if not is_hybrid:
        return window.model
    known = [other for other in past if other.had_closed_by(window.day)]
    hybrid = HybridValue.of(window.model, window.rows, known)
    return hybrid if hybrid.is_learned else window.model


def back_test(past: Sequence[ClosedWindow]) -> pd.DataFrame:
    """One row per closed window and method, `process` and `hybrid`: measures and the coverage of intervals.

    Each window is predicted by the value model of its own day, and by the hybrid that windows closed by that day
    teach. The hybrid is missing where none had.
    """
    rows = []
    for window in past:
        models: dict[str, ValueModel] = {"process": window.model}
        hybrid = of_its_day(window, past, is_hybrid=True)
        if hybrid is not window.model:
            models["hybrid"] = hybrid
        for method, model in models.items():
            figures = measures(window.spent, predict_window(model, window.rows))
            figures["coverage"] = coverage(model, window.rows)
            row = {"snapshot_date": window.day, "method": method, "count_customers": len(window.rows)}
            rows.append(row | figures)
    return pd.DataFrame(rows)


def hybrid_wins(tests: pd.DataFrame) -> bool:
    """Whether the hybrid ranked better in both ways, without missing amounts by much more, where both were tested."""
    if tests.empty or "hybrid" not in set(tests["method"]):
        return False
    both = tests[tests["snapshot_date"].isin(tests.loc[tests["method"] == "hybrid", "snapshot_date"])]
    mean = both.groupby("method")[["normalised_gini", "spearman", "mean_absolute_error"]].mean()
    hybrid, process = mean.loc["hybrid"], mean.loc["process"]
    ranks_better = hybrid["normalised_gini"] > process["normalised_gini"] and hybrid["spearman"] > process["spearman"]
    return bool(ranks_better and hybrid["mean_absolute_error"] <= MOST_MISSED * process["mean_absolute_error"])
