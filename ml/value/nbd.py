"""NBD: purchases at gamma distributed rates and no drop-out; the limit of BG/NBD and Pareto/NBD.

Ehrenberg, A. S. C. (1959). The pattern of consumer purchases. Applied Statistics 8(1), 26-41.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import digamma, gammaln

from ml.value.covariates import Effects, Levels
from ml.value.histories import Histories, history_arrays
from ml.value.likelihood import Array, Maximum
from ml.value.process import PurchaseProcess, by_cell, negative_binomial

STARTS = [np.array([1.0, 1.0]), np.array([0.3, 0.3])]
EQUAL_RATES = 1e5


def nbd_log_likelihood(parameters: Array, data: Histories) -> tuple[float, Array]:
    """Log-likelihood of NBD purchase times, and its slopes by (r, alpha), for parameters of shape (2, cells)."""
    r, alpha = parameters
    x, cell, of = data.purchases
    log_scale = np.log(alpha)
    span = alpha[data.cell] + data.age
    log_span = np.log(span)
    total = r[data.cell] + data.x
    value = (gammaln(r[cell] + x) - gammaln(r[cell]) + r[cell] * log_scale[cell])[of] - total * log_span
    slopes = [
        (digamma(r[cell] + x) - digamma(r[cell]) + log_scale[cell])[of] - log_span,
        (r / alpha)[data.cell] - total / span,
    ]
    return float(data.weight @ value), by_cell(slopes, data)


class Nbd(PurchaseProcess):
    """NBD by maximum likelihood; where even that has no inner maximum, one mean rate for all (flagged)."""

    _method = "nbd"
    _names = ("r", "alpha")
    _effects = Effects((1,), (-1.0,))

    def _starts(self) -> list[Array]:
        return STARTS

    def _likelihood(self, parameters: Array, data: Histories) -> tuple[float, Array]:
        return nbd_log_likelihood(parameters, data)

    def _limit(self, data: Histories) -> Maximum | None:
        return None

    def _step_back(self, X: Any) -> PurchaseProcess:  # noqa: N803
        return MeanRate(self.horizon).fit(X)

    def _alive(self, x: Array, t_x: Array, age: Array, r: Array, alpha: Array) -> Array:  # type: ignore[override]
        return np.ones(len(x))

    def _expected(  # type: ignore[override]
        self, x: Array, t_x: Array, age: Array, r: Array, alpha: Array, horizon: Array
    ) -> Array:
        """The posterior mean rate times the horizon."""
        return (r + x) / (alpha + age) * horizon

    def _living_pmf(  # type: ignore[override]
        self, x: Array, t_x: Array, age: Array, r: Array, alpha: Array, horizon: Array
    ) -> Iterator[Array]:
        return negative_binomial(r + x, alpha + age, horizon)


class MeanRate(Nbd):
    """One rate for all, the mean with half a purchase added: the last resort, where nothing tells customers apart."""

    _method = "mean_rate"

    def fit(self, X: Any, y: Any = None) -> MeanRate:  # noqa: N803, ARG002
        """Fit on histories; never fails on possible ones."""
        x, _, age = (np.sort(column) for column in history_arrays(X))
        rate = (float(x.sum()) + 0.5) / max(float(age.sum()), 1.0)
        self.levels_, self.uses_covariates_, self.effects_ = Levels(()), False, np.zeros(0)
        self.parameters_ = {"r": EQUAL_RATES, "alpha": EQUAL_RATES / rate}
        self.log_likelihood_ = float(x.sum()) * float(np.log(rate)) - rate * float(age.sum())
        self.is_fallback_, self.fallback_, self.method_ = True, None, self._method
        return self


class DropoutProcess(PurchaseProcess):
    """A process with drop-out: its limit is NBD, and NBD answers where drop-out cannot be told."""

    def _limit(self, data: Histories) -> Maximum | None:
        return self._climb(nbd_log_likelihood, STARTS, data)[0]

    def _step_back(self, X: Any) -> PurchaseProcess:  # noqa: N803
        return Nbd(self.horizon).fit(X)
