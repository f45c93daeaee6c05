"""Pareto/NBD by maximum likelihood.

Schmittlein, D. C., Morrison, D. G., Colombo, R. (1987). Counting Your Customers: Who Are They and What Will They Do
Next? Management Science 33(1), 1-24. Derivations: Fader, P. S., Hardie, B. G. S. (2005). A Note on Deriving the
Pareto/NBD Model and Related Expressions. Note 009, brucehardie.com.

Instead of the hypergeometric functions of the papers, the time of drop-out is integrated over numerically: slopes are
then integrals of the same kind, and neither very frequent buyers nor alpha near beta need a case of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import digamma, gammaln

from ml.value.covariates import Effects
from ml.value.histories import Histories
from ml.value.likelihood import Array
from ml.value.nbd import DropoutProcess
from ml.value.process import by_cell

ROWS_AT_ONCE = 2048  # so many rows times the nodes stay in the processor's cache
NEGLIGIBLE = 30.0  # beyond a fall of exp(-30) nothing is left to add
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
NODES, WEIGHTS = (NODES + 1.0) / 2.0, WEIGHTS / 2.0
NEAR = 1e-9


def pareto_nbd_log_likelihood(parameters: Array, data: Histories) -> tuple[float, Array]:
    """Log-likelihood (note 009, eq. 17) and its slopes by (r, alpha, s, beta); parameters of shape (4, cells)."""
    r, alpha, s, beta = (values[data.cell] for values in parameters)
    total = r + data.x
    log_alpha, log_beta = np.log(alpha + data.age), np.log(beta + data.age)
    gone = dropout_integral(total, s, alpha, beta, data.t_x, data.age)
    stays = -total * log_alpha - s * log_beta
    leaves = np.log(s) + gone[0]
    either = np.logaddexp(stays, leaves)
    left = np.exp(leaves - either)
    kept = 1.0 - left
    x, cell, of = data.purchases
    of_r = parameters[0][cell]
    value = (gammaln(of_r + x) - gammaln(of_r))[of] + r * np.log(alpha) + s * np.log(beta) + either
    slopes = [
        (digamma(of_r + x) - digamma(of_r))[of] + np.log(alpha) - kept * log_alpha - left * gone[1],
        r / alpha - total * (kept / (alpha + data.age) + left * gone[2]),
        np.log(beta) - kept * log_beta + left * (1.0 / s - gone[3]),
        s / beta - kept * s / (beta + data.age) - left * (s + 1.0) * gone[4],
    ]
    return float(data.weight @ value), by_cell(slopes, data)


def dropout_integral(total: Array, s: Array, alpha: Array, beta: Array, t_x: Array, age: Array) -> Array:
    """The integral over u from t_x to T of (alpha + u)^-(r + x) (beta + u)^-(s + 1).

    Returns, shape (5, rows): its logarithm, and under the integrand as a density the means of log(alpha + u),
    1 / (alpha + u), log(beta + u) and 1 / (beta + u).
    """
    found = np.empty((5, len(total)))
    for begin in range(0, len(total), ROWS_AT_ONCE):
        part = slice(begin, begin + ROWS_AT_ONCE)
        found[:, part] = _integral(total[part], s[part], alpha[part], beta[part], t_x[part], age[part])
    return found


def _integral(total: Array, s: Array, alpha: Array, beta: Array, t_x: Array, age: Array) -> Array:
    """Gauss-Legendre in w = log(low + u), low the lesser of alpha and beta.

    In w the logarithm of the integrand is concave and analytic in a strip of half-width pi, so that few nodes do; the
    range ends where the integrand has become negligible.
    """
    is_alpha_low = alpha <= beta
    low, gap = np.minimum(alpha, beta), np.abs(alpha - beta)
    power_low = np.where(is_alpha_low, total, s + 1.0)
    power_high = np.where(is_alpha_low, s + 1.0, total)
    begin = low + t_x
    length = _length(begin, np.log((low + age) / begin), gap, power_low, power_high)
    steps = length[:, None] * NODES
    from_low = begin[:, None] * np.exp(steps)
    log_low = np.log(begin)[:, None] + steps
    from_high = from_low + gap[:, None]
    log_high = np.log(from_high)
    height = (1.0 - power_low)[:, None] * log_low - power_high[:, None] * log_high
    peak = height.max(axis=1)
    mass = np.exp(height - peak[:, None]) * WEIGHTS
    sums = mass.sum(axis=1)
    with np.errstate(divide="ignore"):
        logarithm = peak + np.log(length) + np.log(sums)
    means = [(mass * each).sum(axis=1) / sums for each in (log_low, 1.0 / from_low, log_high, 1.0 / from_high)]
    first = [np.where(is_alpha_low, means[i], means[i + 2]) for i in (0, 1)]
    second = [np.where(is_alpha_low, means[i + 2], means[i]) for i in (0, 1)]
    return np.stack([logarithm, *first, *second])


def _length(begin: Array, length: Array, gap: Array, power_low: Array, power_high: Array) -> Array:
    """The length of the range in w, cut where the integrand has fallen by NEGLIGIBLE.

    Newton's steps from the far end: the fall is convex there, so that they never step too far.
    """
    log_begin = np.log(begin)
    least = (1.0 - power_low) * log_begin - power_high * np.log(begin + gap) - NEGLIGIBLE
    for _ in range(6):
        here = begin * np.exp(length)
        below = least - (1.0 - power_low) * (log_begin + length) + power_high * np.log(here + gap)
        slope = power_low - 1.0 + power_high * here / (here + gap)
        # Where the end still counts nothing is cut; rounding can make the slope vanish only there.
        step = np.where(below > 0, below / np.maximum(slope, NEAR), 0.0)
        length = np.maximum(length - step, 0.0)
    return length


class ParetoNbd(DropoutProcess):
    """Pareto/NBD: purchase rates are gamma(r, alpha), times until drop-out exponential at rates gamma(s, beta).

    Where the likelihood has no usable inner maximum, or drop-out explains no more than chance would beyond NBD, NBD
    answers, and says so.
    """

    _method = "pareto_nbd"
    _names = ("r", "alpha", "s", "beta")
    _effects = Effects((1, 3), (-1.0, -1.0))

    def _starts(self) -> list[Array]:
        return [np.array([1.0, 0.3, 1.0, 0.3]), np.array([0.5, 0.2, 0.5, 0.5]), np.array([1.0, 1.0, 0.2, 1.0])]

    def _likelihood(self, parameters: Array, data: Histories) -> tuple[float, Array]:
        return pareto_nbd_log_likelihood(parameters, data)

    def _alive(  # type: ignore[override]
        self, x: Array, t_x: Array, age: Array, r: Array, alpha: Array, s: Array, beta: Array
    ) -> Array:
        """Note 009, eq. 18: being there still against having dropped out between t_x and T."""
        power, of_rate, of_life = (
            np.broadcast_to(np.asarray(value, dtype=float), x.shape) for value in (s, alpha, beta)
        )
        gone = dropout_integral(r + x, power, of_rate, of_life, t_x, age)[0] + np.log(s)
        stays = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
        with np.errstate(over="ignore"):
            return np.asarray(1.0 / (1.0 + np.exp(gone - stays)))

    def _expected(  # type: ignore[override]
        self, x: Array, t_x: Array, age: Array, r: Array, alpha: Array, s: Array, beta: Array, horizon: Array
    ) -> Array:
        """Note 009, eq. 22, steady where s is near 1."""
        rate = (r + x) / (alpha + age) * (beta + age)
        power = np.where(np.abs(s - 1.0) < NEAR, NEAR, s - 1.0)
        spell = -np.expm1(-power * np.log1p(horizon / (beta + age))) / power
        return self._alive(x, t_x, age, r, alpha, s, beta) * rate * spell

    def _living_pmf(  # type: ignore[override]
        self, x: Array, t_x: Array, age: Array, r: Array, alpha: Array, s: Array, beta: Array, horizon: Array
    ) -> Iterator[Array]:
        """NBD up to the drop-out, whose time is integrated over, or to the horizon, whichever comes first."""
        shape, scale, life = r + x, alpha + age, np.broadcast_to(beta + age, x.shape)
        length = np.log1p(horizon / life)
        spans = life[:, None] * np.expm1(length[:, None] * NODES)
        power = np.broadcast_to(s, x.shape)
        mass = power[:, None] * np.exp(-power[:, None] * length[:, None] * NODES) * WEIGHTS * length[:, None]
        # The last column stands for those who stay to the end.
        spans = np.column_stack([spans, horizon])
        mass = np.column_stack([mass, np.exp(-power * length)])
        share = spans / (scale[:, None] + spans)
        term = mass * np.exp(-shape[:, None] * np.log1p(spans / scale[:, None]))
        count = 0
        while True:
            yield term.sum(axis=1)
            term *= share * ((shape + count) / (count + 1.0))[:, None]
            count += 1
