"""Customer value learned from closed windows, with what the purchase process expects as one of its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ml.value.intervals import count_inside, tails
from ml.value.likelihood import Array
from ml.value.model import ValueModel
from ml.value.spend_regressor import SpendRegressor

LOGGED = (
    "count_repeat_purchases",
    "days_since_last_purchase",
    "age_days",
    "purchase_amount",
    "purchase_amount_90d",
    "count_purchase_days_90d",
    "last_purchase_amount",
)
MIN_LABELLED = 200
MIN_BUYING = 50
# Nominal levels that intervals may take so that they cover what is asked of them.
LEVELS = (0.8, 0.825, 0.85, 0.875, 0.9, 0.925, 0.95, 0.965, 0.98, 0.99)


@dataclass(frozen=True)
class ClosedWindow:
    """A label window that has closed: what was known on its day, what was expected then, and what came."""

    day: date
    days: float
    rows: pd.DataFrame
    model: ValueModel
    expected: Array
    spent: Array
    covered: Array
    """Customers whose spending lay in their interval, for each of LEVELS."""

    def had_closed_by(self, day: date) -> bool:
        """Whether all that the window tells was known at the end of a day."""
        return self.day + timedelta(days=self.days) <= day


class HybridValue(ValueModel):
    """A value model whose values are those of a regression trained on closed windows.

    On each closed window a value model is fitted as of its first day; what it expects in the window, and what was
    known of the customer then, are the features, and what the customer spent in the window is the label. Nothing later
    than the window's beginning is a feature. The regression orders customers; the total is what the value model
    expects of the night's customers, corrected by how much it missed the totals of the closed windows. Beyond the
    window's length, value grows as the value model says.

    Attributes
    ----------
    regression_
        The regression; None where the closed windows do not carry one, and the value model answers.
    total_ratio_
        Spent over expected by the value model, in all closed windows together.
    factor_
        What brings the regression's total on the night's customers to that of the corrected value model.
    window_days_
        Length of the windows.
    """

    def fit(self, X: pd.DataFrame, y: Any = None, past: Sequence[ClosedWindow] = ()) -> HybridValue:  # noqa: N803, ARG002
        """Fit on the night's rows and on windows that had closed by the night (`look_back`)."""
        super().fit(X)
        self._learn(X, past)
        return self

    @classmethod
    def of(cls, model: ValueModel, rows: pd.DataFrame, past: Sequence[ClosedWindow]) -> HybridValue:
        """As `fit` on the rows that the value model was fitted on, without fitting that again."""
        hybrid = cls(**model.get_params())
        hybrid.__dict__.update(model.__dict__)
        hybrid._learn(rows, past)
        return hybrid

    @property
    def is_learned(self) -> bool:
        """Whether closed windows carried a regression."""
        return self.regression_ is not None

    def value_within(self, X: pd.DataFrame, horizon: Array, annual_rate: Array) -> Array:  # noqa: N803
        """Spending expected within `horizon` days, discounted by `annual_rate`."""
        expected = super().value_within(X, horizon, annual_rate)
        return expected * self._correction(X)

    def spent_quantiles(self, X: pd.DataFrame, horizon: Array, at: Any) -> Array:  # noqa: N803
        """Quantiles of the value model, moved as its mean is."""
        return super().spent_quantiles(X, horizon, at) * self._correction(X)[:, None]

    def _correction(self, rows: pd.DataFrame) -> Array:
        """The regression's value over the value model's, for each row."""
        if self.regression_ is None or not len(rows):
            return np.ones(len(rows))
        expected = _expected_in_window(self, rows, self.window_days_)
        learned = self.regression_.predict(_features(rows, expected)) * self.factor_
        return np.asarray(learned / np.maximum(expected, np.finfo(float).tiny))

    def _learn(self, night: pd.DataFrame, past: Sequence[ClosedWindow]) -> None:
        self.regression_: SpendRegressor | None = None
        self.total_ratio_, self.factor_, self.window_days_ = 1.0, 1.0, 0.0
        if self.process_ is None or not past:
            return
        self.level_ = _level_that_covers(past, self.level)
        spent = np.concatenate([window.spent for window in past])
        if len(spent) < MIN_LABELLED or (spent > 0).sum() < MIN_BUYING:
            return
        days = past[-1].days
        features = np.vstack([_features(window.rows, window.expected) for window in past])
        regression = SpendRegressor().fit(features, spent)
        tonight = _expected_in_window(self, night, days)
        learned = regression.predict(_features(night, tonight))
        self.window_days_ = days
        self.total_ratio_ = float(spent.sum() / sum(window.expected.sum() for window in past))
        self.factor_ = float(np.sort(tonight).sum() * self.total_ratio_ / np.sort(learned).sum())
        self.regression_ = regression


def look_back(windows: pd.DataFrame) -> list[ClosedWindow]:
    """Closed windows (`features.closed_windows`) by day, each with a value model of its own time.

    Windows too small for a value model are left out.
    """
    found = []
    for day in sorted(set(windows["snapshot_date"])):
        ordered = windows[windows["snapshot_date"] == day].sort_values("customer_id")
        model = ValueModel().fit(ordered)
        if model.process_ is None:
            continue
        days = float(ordered["churn_horizon_days"].iloc[0])
        spent = ordered["next_purchase_amount"].to_numpy(dtype=float)
        expected = _expected_in_window(model, ordered, days)
        found.append(
            ClosedWindow(day, days, ordered, model, expected, spent, _count_covered(model, ordered, days, spent))
        )
    return found


def _expected_in_window(model: ValueModel, rows: pd.DataFrame, days: float) -> Array:
    """What the value model itself expects a customer to spend in a window, not discounted."""
    return ValueModel.value_within(model, rows, np.full(len(rows), days), np.zeros(len(rows)))


def _features(rows: pd.DataFrame, expected: Array) -> Array:
    """One column per feature, each as the logarithm of itself and one."""
    known = [np.log1p(np.maximum(rows[name].to_numpy(dtype=float), 0.0)) for name in LOGGED]
    return np.column_stack([np.log1p(expected), *known])


def _count_covered(model: ValueModel, rows: pd.DataFrame, days: float, spent: Array) -> Array:
    """How many customers' spending lies in their interval, for each of LEVELS."""
    at = [tail for level in LEVELS for tail in tails(level)]
    quantiles = model.spent_quantiles(rows, np.full(len(rows), days), at)
    return np.array([count_inside(quantiles[:, 3 * i : 3 * i + 3], spent) for i in range(len(LEVELS))], dtype=float)


def _level_that_covers(past: Sequence[ClosedWindow], wanted: float) -> float:
    """The least nominal level whose intervals covered what is wanted in all closed windows together."""
    covered = np.sum([window.covered for window in past], axis=0)
    shares = covered / sum(len(window.rows) for window in past)
    return next((level for level, share in zip(LEVELS, shares, strict=True) if share >= wanted), LEVELS[-1])
