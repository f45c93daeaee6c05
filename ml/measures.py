"""Measures of a probability or an amount against what came, and intervals for them by resampling customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

Measure = Callable[[NDArray, NDArray], float]
BINS = 10


@dataclass(frozen=True)
class Interval:
    """A figure and the middle 95 % of its resampled values."""

    value: float
    lower: float
    upper: float


def roc_auc(outcome: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve: the Mann-Whitney statistic over its maximum; NaN with one outcome only.

    scikit-learn's figure at a tenth of its time, which a bootstrap asks for thousands of times.
    """
    positive, ranks = np.asarray(outcome, bool), rankdata(np.asarray(score, float))
    many, few = int(positive.sum()), int((~positive).sum())
    if not many or not few:
        return float("nan")
    return float((ranks[positive].sum() - many * (many + 1) / 2) / (many * few))


def average_precision(outcome: ArrayLike, score: ArrayLike) -> float:
    """Area under the precision-recall curve without interpolation, rows of equal score at once; NaN without positives.

    The same definition as `sklearn.metrics.average_precision_score`.
    """
    actual, value = np.asarray(outcome, float), np.asarray(score, float)
    order = np.argsort(-value, kind="stable")
    last = np.append(np.diff(value[order]) != 0, True)
    hits = np.cumsum(actual[order])[last]
    told = np.flatnonzero(last) + 1.0
    if not len(hits) or hits[-1] == 0:
        return float("nan")
    return float((np.diff(hits, prepend=0.0) * hits / told).sum() / hits[-1])


def normalised_gini(actual: NDArray, predicted: NDArray) -> float:
    """Area that ordering by prediction gains over chance, relative to ordering by the truth; NaN if nobody spent."""
    best = _concentration(actual, actual)
    return _concentration(actual, predicted) / best if best > 0 else float("nan")


def _concentration(actual: NDArray, by: NDArray) -> float:
    total = actual.sum()
    if not total > 0:
        return 0.0
    # Customers of one prediction share what they spent, so that their order does not matter.
    _, tied = np.unique(-by, return_inverse=True)
    counts, sums = np.bincount(tied), np.bincount(tied, weights=actual)
    shares = np.concatenate([[0.0], np.cumsum(sums) / total])
    return float((counts * (shares[1:] + shares[:-1]) / 2.0).sum() / len(actual) - 0.5)


def expected_calibration_error(outcome: ArrayLike, probability: ArrayLike, bins: int = BINS) -> float:
    """Mean gap between predicted and observed share over bins of equally many rows, weighted by their rows.

    Naeini, M. P., Cooper, G. F., Hauskrecht, M. (2015). Obtaining well calibrated probabilities using Bayesian
    binning. AAAI, 2901-2907; equal-count bins as in their section on reliability. Rows of equal probability share
    a bin, so that the order of rows never matters.

    Raises
    ------
    ValueError
        If there is no row.
    """
    actual, predicted = np.asarray(outcome, float), np.asarray(probability, float)
    if not len(predicted):
        raise ValueError("no rows to measure calibration on")
    gaps = np.bincount(_equal_bins(predicted, bins), predicted - actual, minlength=bins)
    return float(np.abs(gaps).sum() / len(predicted))


def calibration_points(
    outcome: ArrayLike, prediction: ArrayLike, bins: int = BINS
) -> tuple[tuple[float, float, float], ...]:
    """Points of a calibration plot, one per bin: mean prediction, mean outcome, rows; bins as for the error."""
    actual, predicted = np.asarray(outcome, float), np.asarray(prediction, float)
    place = _equal_bins(predicted, bins)
    counts = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, values, minlength=bins) for values in (predicted, actual)]
    return tuple(
        (float(said / count), float(came / count), float(count))
        for said, came, count in zip(*sums, counts, strict=True)
        if count
    )


def calibration_error_by_chance(probability: ArrayLike, chance: float, bins: int = BINS) -> float:
    """What the expected calibration error of true probabilities stays below, but for a share `chance` of the cases.

    Outcomes drawn from the probabilities miss each bin's sum by a normal error of variance sum p (1 - p). The error
    adds up its absolute values, each half-normal with mean sd (2 / pi)^(1/2) and variance sd^2 (1 - 2 / pi); the sum
    over bins is taken for normal.

    Raises
    ------
    ValueError
        If there is no row.
    """
    told = np.asarray(probability, float)
    if not len(told):
        raise ValueError("no rows to measure calibration on")
    variance = np.bincount(_equal_bins(told, bins), told * (1.0 - told), minlength=bins)
    mean = np.sqrt(variance * 2.0 / np.pi).sum()
    deviation = np.sqrt((variance * (1.0 - 2.0 / np.pi)).sum())
    return float((mean + norm.isf(chance) * deviation) / len(told))


def _equal_bins(predicted: NDArray, bins: int) -> NDArray[np.int64]:
    """The bin of each row, bins of about equally many rows; rows of equal prediction share one."""
    _, inverse, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2.0
    return np.minimum((middle / len(predicted) * bins).astype(np.int64), bins - 1)[inverse]


def recall_at_share(outcome: ArrayLike, probability: ArrayLike, share: float) -> float:
    """Share of all positives among the `share` of rows with the highest probability; ties count in part."""
    actual, predicted = np.asarray(outcome, float), np.asarray(probability, float)
    wanted = share * len(predicted)
    cut = np.sort(predicted)[::-1][max(int(np.ceil(wanted)) - 1, 0)]
    above, at = predicted > cut, predicted == cut
    part = (wanted - above.sum()) / at.sum()
    return float((actual[above].sum() + part * actual[at].sum()) / max(actual.sum(), 1.0))


def measures_of(contact_share: float) -> dict[str, Measure]:
    """The measures that a churn back-test tells, by name."""
    return {
        "roc_auc": roc_auc,
        "pr_auc": average_precision,
        "brier_score": lambda y, p: float(((p - y) ** 2).mean()),
        "expected_calibration_error": expected_calibration_error,
        "brier_score_base_rate": lambda y, p: float(y.mean() * (1.0 - y.mean())),
        "recall_at_contact_share": lambda y, p: recall_at_share(y, p, contact_share),
        "predicted_over_actual": lambda y, p: float(p.sum() / y.sum()),
    }


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], Mapping[str, float]],
    customers: NDArray,
    draws: int,
    seed: int,
) -> dict[str, Interval]:
    """Intervals of statistics over rows, resampling customers with all their rows (a cluster bootstrap).

    `statistic` takes positions of rows, with repetitions. Percentile intervals: Efron, B., Tibshirani, R. J. (1993).
    An Introduction to the Bootstrap, chapter 13; the draws are fixed by `seed`.
    """
    names, first = np.unique(customers, return_inverse=True)
    order = np.argsort(first, kind="stable")
    starts = np.searchsorted(first[order], np.arange(len(names) + 1))
    parts = np.split(order, starts[1:-1])
    random = np.random.default_rng(seed)
    values = dict(statistic(np.arange(len(customers))))
    drawn: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(draws):
        picked = random.integers(0, len(names), len(names))
        rows = np.concatenate([parts[i] for i in picked])
        for name, value in statistic(rows).items():
            drawn[name].append(value)
    return {
        name: Interval(value, *(float(q) for q in np.nanquantile(drawn[name], [0.025, 0.975])))
        for name, value in values.items()
    }
