"""A regression of what customers spend: mostly nothing, sometimes much."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import TweedieRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from ml.value.likelihood import Array


class SpendRegressor(RegressorMixin, BaseEstimator):
    """Tweedie regression (compound Poisson of gamma amounts) with a log link, on standardised features.

    Jorgensen, B., Paes de Souza, M. C. (1994). Fitting Tweedie's compound Poisson model to insurance claims data.
    Scandinavian Actuarial Journal 1994(1), 69-93.

    Parameters
    ----------
    power
        Of the variance in the mean; between 1 (Poisson) and 2 (gamma).
    alpha
        Strength of the ridge penalty.
    cap
        Amounts above this quantile of the positive ones count as that quantile: one huge order is no pattern.
    """

    def __init__(self, power: float = 1.5, alpha: float = 0.01, cap: float = 0.995) -> None:
        self.power = power
        self.alpha = alpha
        self.cap = cap

    def fit(self, X: Any, y: Any) -> SpendRegressor:  # noqa: N803
        """Fit on features of shape (customers, features) and amounts, none of them negative.

        Raises
        ------
        ValueError
            If an amount is negative or anything is not finite.
        """
        X, y = validate_data(self, X, y, y_numeric=True, dtype=np.float64)  # noqa: N806
        if (y < 0).any():
            raise ValueError("Negative values in y: amounts spent are none or more")
        # Sums in floating point depend on their order, and rows may come in any.
        order = np.lexsort([y, *X.T[::-1]])
        X, y = X[order], y[order]  # noqa: N806
        if (y > 0).any():
            y = np.minimum(y, np.quantile(y[y > 0], self.cap))
        self.mean_ = float(y.mean())
        self.scaler_ = StandardScaler().fit(X)
        self.regression_ = None
        if self.mean_ > 0:
            regression = TweedieRegressor(power=self.power, alpha=self.alpha, link="log", max_iter=2000)
            self.regression_ = regression.fit(self.scaler_.transform(X), y / self.mean_)
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Expected amounts; 0 where nobody spent anything in training."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)  # noqa: N806
        if self.regression_ is None:
            return np.zeros(len(X))
        return np.asarray(self.regression_.predict(self.scaler_.transform(X)) * self.mean_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        tags.regressor_tags.poor_score = True  # the checks' data are not amounts
        return tags
