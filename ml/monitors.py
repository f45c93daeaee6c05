"""Numbers that tell whether a model still works: drift of inputs and scores, calibration and recall once known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, norm

from ml.measures import calibration_error_by_chance, expected_calibration_error, normalised_gini, recall_at_share

BINS = 10
# A bin that nobody is in counts as one customer in ten thousand, so that the logarithm exists.
FLOOR = 1e-4
# Some thirty figures are looked at each night: chance alone may raise one alert in a month, not one a night.
CHANCE = 0.001
# With fewer customers on a side, empty bins make the index larger than any formula tells.
LEAST = 20 * BINS
LEAST_BUYERS = 100


@dataclass(frozen=True)
class Matured:
    """What became of scores whose horizon has passed.

    Attributes
    ----------
    count_rows
        Scores whose outcome is known.
    values
        Figures by monitor; NaN where one cannot be told.
    chances
        What chance alone stays below but for `CHANCE` of the cases, by monitor, where that is known.
    """

    count_rows: int
    values: Mapping[str, float]
    chances: Mapping[str, float]


@dataclass(frozen=True)
class Histogram:
    """How values spread: inner edges of bins, and the share of each bin; the last one is that of missing values."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Histogram:
        """The histogram as the registry keeps it."""
        return cls(tuple(kept["edges"]), tuple(kept["shares"]))


@dataclass(frozen=True)
class Reference:
    """The night that taught a model: how its inputs and what the model said of it spread, and its rows."""

    count_rows: int
    inputs: Mapping[str, Histogram]
    scores: Histogram

    @classmethod
    def of_night(cls, inputs: pd.DataFrame, scores: ArrayLike) -> Reference | None:
        """From a night's inputs and scores, one row per customer; None without customers."""
        if inputs.empty:
            return None
        return cls(len(inputs), {str(name): histogram(inputs[name]) for name in inputs}, histogram(scores))

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Reference:
        """The reference as the registry keeps it."""
        inputs = {name: Histogram.of(one) for name, one in sorted(kept["inputs"].items())}
        return cls(int(kept["count_rows"]), inputs, Histogram.of(kept["scores"]))


def histogram(values: ArrayLike, bins: int = BINS) -> Histogram:
    """The histogram of a column by bins of about equal shares.

    Raises
    ------
    ValueError
        If there is no row.
    """
    known = np.asarray(values, float)
    if not len(known):
        raise ValueError("drift needs rows on both sides")
    finite = known[np.isfinite(known)]
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, bins + 1)[1:-1])) if len(finite) else np.empty(0)
    return Histogram(tuple(edges.tolist()), tuple(_shares(known, edges).tolist()))


def stability_index(reference: Histogram, now: ArrayLike) -> float:
    """Population stability index of a column against a histogram: 0 where nothing moved; above 0.25 usually drift.

    Sum over bins of (p - q) ln(p / q) (Siddiqi, N. (2006). Credit Risk Scorecards, chapter 8).

    Raises
    ------
    ValueError
        If there is no row.
    """
    after = np.asarray(now, float)
    if not len(after):
        raise ValueError("drift needs rows on both sides")
    p = np.maximum(np.array(reference.shares), FLOOR)
    q = np.maximum(_shares(after, np.array(reference.edges)), FLOOR)
    return float(((q - p) * np.log(q / p)).sum())


def stability_index_by_chance(reference: Histogram, count_then: int, count_now: int) -> float:
    """What the index of two samples of one population stays below, but for `CHANCE` of the cases.

    Good from `LEAST` rows a side on. The index over 1/n + 1/m is about chi-squared with one degree of freedom less than
    there are bins (Yurdakul, B. (2018). Statistical properties of population stability index. Western Michigan
    University, chapter 3).

    Raises
    ------
    ValueError
        If there is no row on a side.
    """
    if not count_then or not count_now:
        raise ValueError("drift needs rows on both sides")
    freedom = max(sum(share > 0 for share in reference.shares) - 1, 1)
    return float(chi2.isf(CHANCE, freedom) * (1 / count_then + 1 / count_now))


def matured(outcome: ArrayLike, probability: ArrayLike, contact_share: float) -> Matured | None:
    """Calibration and recall of probabilities whose outcome is known by now; None without rows."""
    actual, predicted = _known(outcome, probability)
    if not len(actual):
        return None
    values = {
        "calibration_error": expected_calibration_error(actual, predicted),
        "brier_score": float(((predicted - actual) ** 2).mean()),
        "recall_at_contact_share": recall_at_share(actual, predicted, contact_share),
    }
    return Matured(len(actual), values, {"calibration_error": calibration_error_by_chance(predicted, CHANCE)})


def matured_amounts(outcome: ArrayLike, amount: ArrayLike) -> Matured | None:
    """How far expected amounts are from what came, in all and in their order; None without rows.

    `total_error` is the distance of the totals as a share of what came, at most 1. Chance moves it as a sum of as many
    errors moves that are independent of each other. How well amounts are ordered is not told of fewer than
    `LEAST_BUYERS`: a few large orders decide it.
    """
    actual, predicted = _known(outcome, amount)
    if not len(actual):
        return None
    came = float(actual.sum())
    gap = abs(float(predicted.sum()) - came)
    by_chance = float(norm.isf(CHANCE / 2) * np.sqrt(((actual - predicted) ** 2).sum()))
    has_buyers = (actual > 0).sum() >= LEAST_BUYERS
    values = {
        "total_error": _share(gap, came),
        "normalised_gini": normalised_gini(actual, predicted) if has_buyers else float("nan"),
    }
    return Matured(
        len(actual), values, {"total_error": _share(by_chance, came) if came > 0 else float(gap <= by_chance)}
    )


def _share(gap: float, came: float) -> float:
    return min(gap / came, 1.0) if came > 0 else float(gap > 0)


def _known(outcome: ArrayLike, score: ArrayLike) -> tuple[NDArray, NDArray]:
    actual, predicted = np.asarray(outcome, float), np.asarray(score, float)
    known = np.isfinite(actual) & np.isfinite(predicted)
    return actual[known], predicted[known]


def _shares(values: NDArray, edges: NDArray) -> NDArray:
    place = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), len(edges) + 1)
    return np.asarray(np.bincount(place, minlength=len(edges) + 2) / len(values))
