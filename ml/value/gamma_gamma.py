"""Gamma-Gamma model of spend per purchase, by maximum likelihood.

Fader, P. S., Hardie, B. G. S. (2013). The Gamma-Gamma Model of Monetary Value. Note 025, brucehardie.com; first in
Colombo, R., Jiang, W. (1999). A stochastic RFM model. Journal of Interactive Marketing 13(3), 2-12. As in the note,
the mean is over repeat purchases only: neither the first purchase nor customers without a repeat enter the fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from ml.value.likelihood import Array, maximise


@dataclass(frozen=True)
class GammaGamma:
    """A fitted model: spend is gamma(p, nu) with nu ~ gamma(q, v) over customers; `v` in money."""

    p: float
    q: float
    v: float
    log_likelihood: float

    @property
    def population_mean(self) -> float:
        """Expected spend per purchase of a customer nothing is known of (needs q > 1)."""
        return self.p * self.v / (self.q - 1.0)

    def expected_spend(self, x: Array, mean_spend: Array) -> Array:
        """Expected spend per purchase given `x` repeat purchases of mean `mean_spend` (note 025, eq. 5).

        Customers without a repeat get the population's mean.
        """
        spent = np.where(x > 0, x * np.nan_to_num(mean_spend), 0.0)
        return np.asarray(self.p * (self.v + spent) / (self.p * x + self.q - 1.0))


def log_likelihood(parameters: Array, x: Array, mean_spend: Array) -> tuple[float, Array]:
    """Log-likelihood (note 025, eq. 1a) over all repeat buyers, and its gradient by (p, q, v)."""
    p, q, v = parameters
    total = x * mean_spend
    value = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
    value += (p * x - 1.0) * np.log(mean_spend) + p * x * np.log(x) - (p * x + q) * np.log(v + total)
    gradient = [
        x * (digamma(p * x + q) - digamma(p * x) + np.log(total) - np.log(v + total)),
        digamma(p * x + q) - digamma(q) + np.log(v) - np.log(v + total),
        q / v - (p * x + q) / (v + total),
    ]
    return float(value.sum()), np.array([part.sum() for part in gradient])


def fit_gamma_gamma(x: Array, mean_spend: Array) -> GammaGamma | None:
    """Fit on repeat buyers (`x` > 0, spend > 0); None where there is no usable inner maximum.

    `q` must exceed 1: below, the expected spend of a new customer is infinite.
    """
    keep = (x > 0) & (mean_spend > 0)
    if keep.sum() < 2:
        return None
    x, mean_spend = x[keep], mean_spend[keep]
    unit = float(np.exp(np.log(mean_spend).mean()))
    start = np.array([2.0, 2.0, 1.0])
    end = maximise(lambda p: log_likelihood(p, x, mean_spend / unit), start, float(keep.sum()))
    p, q, v = (float(value) for value in end.parameters)
    if not end.is_inner or q <= 1.0:
        return None
    return GammaGamma(p, q, v * unit, end.log_likelihood - float(keep.sum()) * np.log(unit))
