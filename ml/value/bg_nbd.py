"""BG/NBD and its limit without drop-out, NBD, by maximum likelihood.

Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). "Counting Your Customers" the Easy Way: An Alternative to the
Pareto/NBD Model. Marketing Science 24(2), 275-284. Equation numbers below are that paper's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, hyp2f1

from ml.value.histories import Histories
from ml.value.likelihood import Array, Maximum, maximise

# Half the 5 % point of the likelihood-ratio test against a parameter on its boundary: a 50:50 mixture of chi-square
# with 0 and 1 degrees of freedom (Self, S. G., Liang, K.-Y. (1987). JASA 82(398), 605-610, case 5).
NO_DROPOUT_GAIN = 2.7055 / 2


@dataclass(frozen=True)
class BgNbd:
    """A fitted BG/NBD: purchase rates are gamma(r, alpha), drop-out after each purchase is beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    def probability_alive(self, x: Array, t_x: Array, age: Array) -> Array:
        """Probability that a customer with this history has not dropped out (derived from eq. 6)."""
        return np.asarray(1.0 / (1.0 + self._dropout_odds(x, t_x, age)))

    def expected_purchases(self, x: Array, t_x: Array, age: Array, horizon: float | Array) -> Array:
        """Expected purchases in the `horizon` after `age`, in the unit of `age` (eq. 10)."""
        a = self.a if abs(self.a - 1.0) > 1e-6 else self.a + 1e-6  # a removable singularity
        span = self.alpha + age
        series = hyp2f1(self.r + x, self.b + x, a + self.b + x - 1.0, horizon / (span + horizon))
        kept = (span / (span + horizon)) ** (self.r + x) * series
        expected = (a + self.b + x - 1.0) / (a - 1.0) * (1.0 - kept)
        return np.asarray(expected / (1.0 + self._dropout_odds(x, t_x, age)))

    def probability_no_purchase(self, x: Array, t_x: Array, age: Array, horizon: float | Array) -> Array:
        """Probability of no purchase in the `horizon` after `age`."""
        span = self.alpha + age
        is_silent = (span / (span + horizon)) ** (self.r + x)
        return np.asarray(1.0 - self.probability_alive(x, t_x, age) * (1.0 - is_silent))

    def _dropout_odds(self, x: Array, t_x: Array, age: Array) -> Array:
        repeats = np.maximum(x, 1.0)
        with np.errstate(over="ignore"):
            odds = self.a / (self.b + repeats - 1.0) * ((self.alpha + age) / (self.alpha + t_x)) ** (self.r + x)
        return np.where(x > 0, odds, 0.0)


@dataclass(frozen=True)
class Nbd:
    """BG/NBD in the limit where nobody drops out: a Poisson process with gamma(r, alpha) rates."""

    r: float
    alpha: float
    log_likelihood: float

    def expected_purchases(self, x: Array, age: Array, horizon: float | Array) -> Array:
        """Expected purchases in the `horizon` after `age`: the posterior mean rate times the horizon."""
        return np.asarray((self.r + x) / (self.alpha + age) * horizon)

    def probability_no_purchase(self, x: Array, age: Array, horizon: float | Array) -> Array:
        """Probability of no purchase in the `horizon` after `age`."""
        span = self.alpha + age
        return np.asarray((span / (span + horizon)) ** (self.r + x))


def bg_nbd_log_likelihood(parameters: Array, data: Histories) -> tuple[float, Array]:
    """Log-likelihood (eq. 6) over all customers, and its gradient by (r, alpha, a, b)."""
    r, alpha, a, b = parameters
    x, has_repeat, repeats = data.x, data.x > 0, np.maximum(data.x, 1.0)
    log_age, log_t_x = np.log(alpha + data.age), np.log(alpha + data.t_x)
    stays = -(r + x) * log_age
    leaves = np.where(has_repeat, np.log(a) - np.log(b + repeats - 1.0) - (r + x) * log_t_x, -np.inf)
    either = np.logaddexp(stays, leaves)
    left = np.exp(leaves - either)
    kept = 1.0 - left
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    value += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x) + either
    both = digamma(a + b) - digamma(a + b + x)
    gradient = [
        digamma(r + x) - digamma(r) + np.log(alpha) - kept * log_age - left * log_t_x,
        r / alpha - (r + x) * (kept / (alpha + data.age) + left / (alpha + data.t_x)),
        both + left / a,
        both + digamma(b + x) - digamma(b) - left / (b + repeats - 1.0),
    ]
    return float(data.weight @ value), np.array([data.weight @ part for part in gradient])


def nbd_log_likelihood(parameters: Array, data: Histories) -> tuple[float, Array]:
    """Log-likelihood of BG/NBD for a -> 0, and its gradient by (r, alpha)."""
    r, alpha = parameters
    x, log_age = data.x, np.log(alpha + data.age)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * log_age
    gradient = [
        digamma(r + x) - digamma(r) + np.log(alpha) - log_age,
        r / alpha - (r + x) / (alpha + data.age),
    ]
    return float(data.weight @ value), np.array([data.weight @ part for part in gradient])


def fit_bg_nbd(data: Histories) -> BgNbd | None:
    """Fit BG/NBD; None where the likelihood has no inner maximum.

    On some data the likelihood rises for ever as drop-out vanishes (a -> 0, or b -> infinity). A search then stops
    anywhere; its end is refused if a parameter is at its bound, the slope has not vanished, the likelihood is flat
    in some direction, or drop-out explains no more than chance would beyond NBD.
    """
    unit = _unit(data)
    scaled = _rescaled(data, unit)
    starts = [np.array([1.0, 1.0, 1.0, 2.0]), np.array([0.3, 0.2, 0.5, 2.0]), np.array([1.0, 0.5, 0.1, 5.0])]
    ends = [maximise(lambda p: bg_nbd_log_likelihood(p, scaled), start, data.count_customers) for start in starts]
    best = max(ends, key=lambda end: end.log_likelihood)
    gain = best.log_likelihood - _fit_nbd_scaled(scaled).log_likelihood
    if not best.is_inner or gain < NO_DROPOUT_GAIN or not _is_curved(best.parameters, scaled):
        return None
    r, alpha, a, b = (float(value) for value in best.parameters)
    # Densities change with the unit of time, one factor for each repeat purchase.
    shift = float(data.weight @ data.x) * np.log(unit)
    return BgNbd(r, alpha * unit, a, b, best.log_likelihood - shift)


def fit_nbd(data: Histories) -> Nbd | None:
    """Fit NBD; None where even that has no inner maximum (too little history)."""
    unit = _unit(data)
    end = _fit_nbd_scaled(_rescaled(data, unit))
    if not end.is_inner:
        return None
    shift = float(data.weight @ data.x) * np.log(unit)
    return Nbd(float(end.parameters[0]), float(end.parameters[1]) * unit, end.log_likelihood - shift)


def _fit_nbd_scaled(data: Histories) -> Maximum:
    return maximise(lambda p: nbd_log_likelihood(p, data), np.array([1.0, 1.0]), data.count_customers)


def _unit(data: Histories) -> float:
    """The time that the fits take as 1, so that starts and bounds suit days as well as years."""
    return max(float(data.age.max(initial=0.0)), 1e-9)


def _rescaled(data: Histories, unit: float) -> Histories:
    return Histories(data.x, data.t_x / unit, data.age / unit, data.weight)


def _is_curved(parameters: Array, data: Histories, step: float = 1e-4) -> bool:
    """Whether the log-likelihood bends down in every direction (on the log scale) around its maximum."""
    log_parameters = np.log(parameters)
    size = len(parameters)
    hessian = np.empty((size, size))
    for i in range(size):
        slopes = []
        for sign in (1.0, -1.0):
            moved = log_parameters.copy()
            moved[i] += sign * step
            _, gradient = bg_nbd_log_likelihood(np.exp(moved), data)
            slopes.append(gradient * np.exp(moved))
        hessian[i] = (slopes[0] - slopes[1]) / (2.0 * step)
    eigenvalues = np.linalg.eigvalsh((hessian + hessian.T) / 2.0)
    # A standard error above e^3 of a parameter says that the data do not know it.
    return bool(eigenvalues.max() < -1.0 / 9.0)
