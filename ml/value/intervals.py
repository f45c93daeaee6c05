"""Predictive intervals of purchases and of what is spent, from the exact distributions, without a random number.

The number of purchases has a known distribution; given it, the sum spent is that of Gamma-Gamma. Both are run through
at the same well-spread points for all customers (a fixed Sobol sequence), so that an interval depends on nothing but
the customer's own history and the fitted parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import gammaincinv
from scipy.stats import qmc

from ml.value.gamma_gamma import GammaGamma
from ml.value.likelihood import Array
from ml.value.process import PurchaseProcess

POINTS_LOG2 = 9
ROWS_AT_ONCE = 4096
MOST_PURCHASES = 20_000


def count_quantiles(process: PurchaseProcess, rows: pd.DataFrame, horizon: Array, at: Array) -> np.ndarray:
    """Quantiles of the purchases within `horizon`, shape (rows, quantiles); `at` are probabilities below 1."""
    keys = [*(rows[name] for name in ("count_repeat_purchases", "recency_days", "age_days", *process.covariates))]
    group = rows.groupby([*keys, pd.Series(horizon, index=rows.index)], sort=True, dropna=False).ngroup().to_numpy()
    _, first = np.unique(group, return_index=True)
    # Those who buy much take many steps: let them go together.
    distinct, span = rows.iloc[first], horizon[first]
    order = np.argsort(process.expected_purchases(distinct, span), kind="stable")
    found = np.empty((len(first), len(at)), dtype=np.int32)
    for begin in range(0, len(order), ROWS_AT_ONCE):
        part = order[begin : begin + ROWS_AT_ONCE]
        found[part] = _quantiles(process, distinct.iloc[part], span[part], at)
    return found[group]


def _quantiles(process: PurchaseProcess, rows: pd.DataFrame, horizon: Array, at: Array) -> np.ndarray:
    counts = np.zeros((len(rows), len(at)), dtype=np.int32)
    reached = np.zeros(len(rows))
    for number, probability in enumerate(process.purchase_pmf(rows, horizon)):
        reached += probability
        is_beyond = at > reached[:, None]
        counts += is_beyond
        if number >= MOST_PURCHASES or not is_beyond.any():
            return counts
    raise AssertionError("distributions of purchases have no end")


def spent_quantiles(
    process: PurchaseProcess,
    spend: GammaGamma,
    rows: pd.DataFrame,
    spend_rows: Array,
    horizon: Array,
    at: Sequence[float],
) -> Array:
    """Quantiles of the sum spent within `horizon`, shape (rows, quantiles).

    `spend_rows` are the two columns that `spend` was fitted on. In the fallback of `spend` each purchase is worth the
    mean: the interval then knows the number of purchases only.
    """
    counts_at, spread_at, sum_at = _points()
    found = np.empty((len(rows), len(at)))
    for begin in range(0, len(rows), 16 * ROWS_AT_ONCE):
        part = slice(begin, begin + 16 * ROWS_AT_ONCE)
        counts = count_quantiles(process, rows.iloc[part], horizon[part], counts_at)
        if spend.is_fallback_:
            sums = counts * spend.population_mean_
        else:
            shape, scale = spend.posterior(spend_rows[part])
            sums = _sums(spend.parameters_["p"], counts, sum_at) / _spread(shape, spread_at) * scale[:, None]
        found[part] = np.quantile(sums, at, axis=1).T
    return found


def tails(level: float) -> tuple[float, float, float]:
    """The probabilities whose quantiles `interval_ends` wants for an interval of this level."""
    return (1.0 - level) / 2.0, level, (1.0 + level) / 2.0


def interval_ends(quantiles: Array) -> Array:
    """Lower and upper ends, shape (rows, 2), of intervals from the quantiles at `tails`.

    Where the lower end is 0 nothing lies below it, and all that is left out lies above: many buy nothing, and tails
    of equal size would claim less than they cover.
    """
    lower, one_sided, upper = quantiles.T
    return np.column_stack([lower, np.where(lower > 0, upper, one_sided)])


def count_inside(quantiles: Array, actual: Array) -> int:
    """How many of `actual` lie in the intervals of the quantiles at `tails`."""
    ends = interval_ends(quantiles)
    return int(((ends[:, 0] <= actual) & (actual <= ends[:, 1])).sum())


@lru_cache(maxsize=1)
def _points() -> tuple[Array, Array, Array]:
    """Points of three dimensions, each strictly between 0 and 1."""
    points = qmc.Sobol(3, scramble=True, rng=np.random.default_rng(20_05)).random_base2(POINTS_LOG2)
    points = np.clip(points, 1e-6, 1.0 - 1e-6)
    return points[:, 0], points[:, 1], points[:, 2]


def _spread(shape: Array, at: Array) -> Array:
    """Gamma distributed nu of scale 1 at each point; shapes are few, as purchases are counted."""
    shapes, of = np.unique(shape, return_inverse=True)
    return gammaincinv(shapes[:, None], at)[of]


def _sums(p: float, counts: np.ndarray, at: Array) -> Array:
    """Gamma distributed sums of scale 1 of as many purchases at each point."""
    numbers, of = np.unique(counts, return_inverse=True)
    table = np.zeros((len(numbers), len(at)))
    some = numbers > 0
    table[some] = gammaincinv(p * numbers[some, None], at)
    return table[of.reshape(counts.shape), np.arange(len(at))]
