"""BG/NBD by maximum likelihood.

Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). "Counting Your Customers" the Easy Way: An Alternative to the
Pareto/NBD Model. Marketing Science 24(2), 275-284. Equation numbers below are that paper's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import digamma, gammaln, hyp2f1

from ml.value.covariates import Effects
from ml.value.histories import Histories
from ml.value.likelihood import Array
from ml.value.nbd import DropoutProcess
from ml.value.process import by_cell, negative_binomial

NEAR = 1e-6


def bg_nbd_log_likelihood(parameters: Array, data: Histories) -> tuple[float, Array]:
    """Log-likelihood (eq. 6) over all customers and its slopes by (r, alpha, a, b); parameters of shape (4, cells)."""
    r, alpha, a, b = parameters
    log_age, log_t_x, total, gap, left = _parts(parameters, data)
    value, slopes_of_x = _of_purchases(parameters, data)
    kept = 1.0 - left
    of = data.purchases[2]
    stays = -total * log_age + np.logaddexp(0.0, gap)
    slopes = [
        slopes_of_x[0][of] - kept * log_age - left * log_t_x,
        (r / alpha)[data.cell] - total * (kept * np.exp(-log_age) + left * np.exp(-log_t_x)),
        slopes_of_x[1][of] + left / a[data.cell],
        slopes_of_x[2][of] - left * slopes_of_x[3][of],
    ]
    return float(data.weight @ (value[of] + stays)), by_cell(slopes, data)


def _parts(parameters: Array, data: Histories) -> tuple[Array, Array, Array, Array, Array]:
    """log(alpha + T), log(alpha + t_x), r + x, the log odds of having dropped out, and their probability."""
    r, alpha, a, b = parameters
    log_age, log_t_x = np.log(alpha[data.cell] + data.age), np.log(alpha[data.cell] + data.t_x)
    total = r[data.cell] + data.x
    x, cell, of = data.purchases
    with np.errstate(divide="ignore"):
        odds = np.where(x > 0, np.log(a[cell]) - np.log(b[cell] + np.maximum(x, 1.0) - 1.0), -np.inf)
    gap = odds[of] + total * (log_age - log_t_x)
    with np.errstate(over="ignore"):
        return log_age, log_t_x, total, gap, 1.0 / (1.0 + np.exp(-gap))


def _of_purchases(parameters: Array, data: Histories) -> tuple[Array, list[Array]]:
    """What depends on the number of purchases alone, once for each number and cell: value and slopes."""
    x, cell, _ = data.purchases
    r, alpha, a, b = (values[cell] for values in parameters)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    value += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    both = digamma(a + b) - digamma(a + b + x)
    slopes = [
        digamma(r + x) - digamma(r) + np.log(alpha),
        both,
        both + digamma(b + x) - digamma(b),
        1.0 / (b + np.maximum(x, 1.0) - 1.0),
    ]
    return value, slopes


class BgNbd(DropoutProcess):
    """BG/NBD: purchase rates are gamma(r, alpha), drop-out after each repeat purchase is beta(a, b).

    On some data the likelihood rises for ever as drop-out vanishes (a -> 0, or b -> infinity). A search then stops
    anywhere; its end is refused if a parameter is at its bound, the slope has not vanished, the likelihood is flat
    in some direction, or drop-out explains no more than chance would beyond NBD. Then NBD answers, and says so.
    """

    _method = "bg_nbd"
    _names = ("r", "alpha", "a", "b")
    _effects = Effects((1, 2), (-1.0, 1.0))

    def _starts(self) -> list[Array]:
        return [np.array([1.0, 1.0, 1.0, 2.0]), np.array([0.3, 0.2, 0.5, 2.0]), np.array([1.0, 0.5, 0.1, 5.0])]

    def _likelihood(self, parameters: Array, data: Histories) -> tuple[float, Array]:
        return bg_nbd_log_likelihood(parameters, data)

    def _alive(  # type: ignore[override]
        self, x: Array, t_x: Array, age: Array, r: Array, alpha: Array, a: Array, b: Array
    ) -> Array:
        """Derived from eq. 6: who has not come again has not dropped out."""
        with np.errstate(over="ignore"):
            odds = a / (b + np.maximum(x, 1.0) - 1.0) * ((alpha + age) / (alpha + t_x)) ** (r + x)
        return np.where(x > 0, 1.0 / (1.0 + odds), 1.0)

    def _expected(  # type: ignore[override]
        self, x: Array, t_x: Array, age: Array, r: Array, alpha: Array, a: Array, b: Array, horizon: Array
    ) -> Array:
        """Eq. 10, its hypergeometric function after Euler's transformation, where it stays near 1."""
        alive = self._alive(x, t_x, age, r, alpha, a, b)
        a = np.where(np.abs(a - 1.0) < NEAR, 1.0 + NEAR, a)  # a removable singularity
        top = a + b + x - 1.0
        top = np.where(np.abs(top) < NEAR, NEAR, top)  # another
        share = horizon / (alpha + age + horizon)
        series = hyp2f1(a - 1.0, a + b - 1.0 - r, top, share)
        kept = np.exp((a - 1.0) * np.log1p(-share)) * series
        return np.asarray(np.maximum(top / (a - 1.0) * (1.0 - kept), 0.0) * alive)

    def _living_pmf(  # type: ignore[override]
        self, x: Array, t_x: Array, age: Array, r: Array, alpha: Array, a: Array, b: Array, horizon: Array
    ) -> Iterator[Array]:
        """Eq. 8 with the posterior's parameters: n purchases and still there, or gone with the n-th."""
        b = b + x
        stays, leaves = np.ones(len(x)), a / (a + b)
        fewer = np.zeros(len(x))
        for count, term in enumerate(negative_binomial(r + x, alpha + age, horizon)):
            gone = leaves * np.maximum(1.0 - fewer, 0.0) if count else 0.0
            yield stays * term + gone
            if count:
                leaves = leaves * (b + count - 1.0) / (a + b + count)
            stays = stays * (b + count) / (a + b + count)
            fewer = fewer + term
