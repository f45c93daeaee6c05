"""Gamma-Gamma model of spend per purchase, by maximum likelihood.

Fader, P. S., Hardie, B. G. S. (2013). The Gamma-Gamma Model of Monetary Value. Note 025, brucehardie.com; first in
Colombo, R., Jiang, W. (1999). A stochastic RFM model. Journal of Interactive Marketing 13(3), 2-12. As in the note,
the mean is over repeat purchases only: neither the first purchase nor customers without a repeat enter the fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import digamma, gammaln
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from ml.value.likelihood import Array, maximise

COLUMNS = ("count_repeat_purchases", "average_repeat_amount")
MIN_BUYERS = 2


def gamma_gamma_log_likelihood(parameters: Array, x: Array, mean_spend: Array) -> tuple[float, Array]:
    """Log-likelihood (note 025, eq. 1a) over all repeat buyers, and its slopes by (p, q, v)."""
    p, q, v = parameters
    count, of = np.unique(x, return_inverse=True)
    log_sum = np.log(v + x * mean_spend)
    of_count = gammaln(p * count + q) - gammaln(p * count) - gammaln(q) + q * np.log(v) + p * count * np.log(count)
    value = of_count[of] + (p * x - 1.0) * np.log(mean_spend) - (p * x + q) * log_sum
    both, own = digamma(p * count + q)[of], digamma(p * count)[of]
    slopes = [
        x * (both - own + np.log(x * mean_spend) - log_sum),
        both - digamma(q) + np.log(v) - log_sum,
        q / v - (p * x + q) / (v + x * mean_spend),
    ]
    return float(value.sum()), np.array([slope.sum() for slope in slopes])


class GammaGamma(RegressorMixin, BaseEstimator):
    """Spend per purchase is gamma(p, nu), and nu is gamma(q, v) over customers; `v` is in money.

    Attributes
    ----------
    is_fallback_
        Whether there is no usable inner maximum (`q` must exceed 1: below, the expected spend of a new customer is
        infinite), so that `predict` gives everybody the mean of all repeat purchases.
    parameters_
        p, q and v; empty in the fallback.
    log_likelihood_
        At the maximum, over all repeat buyers; NaN in the fallback.
    population_mean_
        Expected spend per purchase of a customer nothing is known of.
    """

    def fit(self, X: Any, y: Any = None) -> GammaGamma:  # noqa: N803, ARG002
        """Fit on repeat buyers with a positive mean spend: a frame with `COLUMNS`, or an array of those two."""
        x, spend = spend_arrays(X)
        keep = (x > 0) & (spend > 0) & np.isfinite(spend)
        # In a fixed order, so that sums do not depend on the order of rows.
        order = np.lexsort((spend[keep], x[keep]))
        x, spend = x[keep][order], spend[keep][order]
        self.is_fallback_, self.log_likelihood_ = True, float("nan")
        self.parameters_: dict[str, float] = {}
        self.population_mean_ = float(np.average(spend, weights=x)) if len(x) else 0.0
        if len(x) >= MIN_BUYERS:
            self._search(x, spend)
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Expected spend per purchase (note 025, eq. 5); without a repeat, that of the population."""
        check_is_fitted(self)
        if self.is_fallback_:
            return np.full(len(spend_arrays(X)[0]), self.population_mean_)
        shape, scale = self.posterior(X)
        return np.asarray(self.parameters_["p"] * scale / (shape - 1.0))

    def posterior(self, X: Any) -> tuple[Array, Array]:  # noqa: N803
        """Shape and scale of the gamma distribution of each customer's nu; not in the fallback."""
        p, q, v = self._values()
        x, spend = spend_arrays(X)
        is_known = (x > 0) & np.isfinite(spend) & (spend > 0)
        known = np.where(is_known, x, 0.0)
        return q + p * known, v + known * np.where(is_known, spend, 0.0)

    def _search(self, x: Array, spend: Array) -> None:
        unit = float(np.exp(np.log(spend).mean()))
        scaled = spend / unit
        end = maximise(lambda p: gamma_gamma_log_likelihood(p, x, scaled), np.array([2.0, 2.0, 1.0]), float(len(x)))
        p, q, v = (float(value) for value in end.parameters)
        if not end.is_inner or q <= 1.0:
            return
        self.is_fallback_, self.parameters_ = False, {"p": p, "q": q, "v": v * unit}
        self.log_likelihood_ = end.log_likelihood - len(x) * float(np.log(unit))
        self.population_mean_ = p * v * unit / (q - 1.0)

    def _values(self) -> tuple[float, float, float]:
        return self.parameters_["p"], self.parameters_["q"], self.parameters_["v"]


def spend_arrays(rows: Any) -> tuple[Array, Array]:
    """Repeat purchases and their mean amount, of a frame with `COLUMNS` or an array of those two columns."""
    if isinstance(rows, pd.DataFrame):
        missing = [name for name in COLUMNS if name not in rows.columns]
        if missing:
            raise ValueError(f"missing columns: {', '.join(missing)}")
        x, spend = (rows[name].to_numpy(dtype=float) for name in COLUMNS)
        return x, spend
    table = np.asarray(rows, dtype=float)
    if table.ndim != 2 or table.shape[1] != 2:
        raise ValueError(f"spend has two columns (x, mean amount); got an array of shape {table.shape}")
    return table[:, 0], table[:, 1]
