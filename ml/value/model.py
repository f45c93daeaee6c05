"""Customer value over a horizon: discounted expected purchases times expected spend, with stated fallbacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ml.value.bg_nbd import BgNbd
from ml.value.gamma_gamma import GammaGamma
from ml.value.histories import history_arrays
from ml.value.intervals import count_quantiles, interval_ends, spent_quantiles, tails
from ml.value.likelihood import Array
from ml.value.pareto_nbd import ParetoNbd
from ml.value.process import PurchaseProcess

MIN_CUSTOMERS = 50
MIN_REPEAT_BUYERS = 20
LEVEL = 0.9
NOTES = {
    "bg_nbd": "BG/NBD fitted; an inner maximum was found.",
    "pareto_nbd": "Pareto/NBD fitted; it explains the purchases better than BG/NBD.",
    "nbd": "The BG/NBD likelihood has no usable inner maximum on these data (drop-out explains nothing beyond"
    " chance), nor has Pareto/NBD, so purchases are scored with their limit without drop-out, NBD; there is no"
    " probability alive.",
    "mean_rate": "No purchase process tells these customers apart; all get the mean rate of purchases.",
    "none": "Too little history for a purchase model; no customer value is given.",
}


class ValueModel(BaseEstimator):
    """A purchase process and a spend model of one night's customers.

    Parameters
    ----------
    level
        Share of customers whose purchases and spending shall lie in their intervals.
    min_customers, min_repeat_buyers
        Below these a night gives no value.
    covariates
        Columns that move rate and drop-out, see `PurchaseProcess`.

    Attributes
    ----------
    process_
        The better of BG/NBD and Pareto/NBD by log-likelihood (they have as many parameters), NBD where neither has a
        usable maximum, None below the minima.
    spend_
        Gamma-Gamma over all purchase days, the first included: on a shop's data, earlier windows show that what a
        first purchase was worth tells much of the next.
    method_
        What answers: a key of `NOTES`.
    level_
        The nominal level of intervals; `calibrate` may have raised it so that they cover `level`.
    """

    def __init__(
        self,
        level: float = LEVEL,
        min_customers: int = MIN_CUSTOMERS,
        min_repeat_buyers: int = MIN_REPEAT_BUYERS,
        covariates: tuple[str, ...] = (),
    ) -> None:
        self.level = level
        self.min_customers = min_customers
        self.min_repeat_buyers = min_repeat_buyers
        self.covariates = covariates

    def fit(self, X: pd.DataFrame, y: Any = None) -> ValueModel:  # noqa: N803, ARG002
        """Fit on snapshot rows, one per customer; times in days, money in the reporting currency."""
        x = history_arrays(X)[0]
        is_repeat_buyer = (x > 0) & (X["average_repeat_amount"].to_numpy(dtype=float) > 0)
        self.level_ = self.level
        self.process_: PurchaseProcess | None = None
        self.spend_: GammaGamma | None = None
        if len(X) >= self.min_customers and is_repeat_buyer.sum() >= self.min_repeat_buyers:
            self.process_ = self._better(X)
            self.spend_ = GammaGamma().fit(spend_rows(X))
        self.method_ = "none" if self.process_ is None else self.process_.method_
        self.is_fallback_ = self.method_ not in ("bg_nbd", "pareto_nbd") or self.spend_ is None or self._spend_is_pooled
        return self

    @property
    def process(self) -> PurchaseProcess | None:
        """The purchase process, if there is one."""
        return self.process_

    @property
    def note(self) -> str:
        """What was fitted and why, in a sentence or two for the report."""
        pooled = " Gamma-Gamma could not be fitted; each customer's spend is the mean of all purchases."
        return NOTES[self.method_] + (pooled if self._spend_is_pooled else "")

    @property
    def _spend_is_pooled(self) -> bool:
        return self.spend_ is not None and self.spend_.is_fallback_

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
        """Score snapshot rows; returns expected purchases, probability alive, spend and value, same index.

        The value is discounted by the column `annual_discount_rate`; without that column it is not.
        """
        horizon = X["value_horizon_days"].to_numpy(dtype=float)
        missing = np.full(len(X), np.nan)
        purchases, alive, spend, value = missing, missing, missing, missing
        if self.process_ is not None and self.spend_ is not None:
            purchases = self.process_.expected_purchases(X, horizon)
            if self.method_ in ("bg_nbd", "pareto_nbd"):
                alive = self.process_.probability_alive(X)
            spend = self.spend_.predict(spend_rows(X))
            value = self.value_within(X, horizon, _discount_rates(X))
        return pd.DataFrame(
            {
                "expected_purchases": purchases,
                "probability_alive": alive,
                "expected_order_value": spend,
                "customer_value": value,
            },
            index=X.index,
        )

    def value_within(self, X: pd.DataFrame, horizon: Array, annual_rate: Array) -> Array:  # noqa: N803
        """Expected spending within `horizon` days, discounted by `annual_rate`."""
        if self.process_ is None or self.spend_ is None:
            return np.full(len(X), np.nan)
        spend = self.spend_.predict(spend_rows(X))
        return self.process_.discounted_purchases(X, horizon, annual_rate) * spend

    def intervals(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
        """Lower and upper ends of purchases and of value at `level_`, same index."""
        horizon = X["value_horizon_days"].to_numpy(dtype=float)
        names = ["purchases_lower", "purchases_upper", "customer_value_lower", "customer_value_upper"]
        if self.process_ is None or not len(X):
            return pd.DataFrame(np.nan, index=X.index, columns=names)
        counts = interval_ends(count_quantiles(self.process_, X, horizon, np.array(tails(self.level_))))
        # The discount moves the whole distribution about as it moves its mean.
        full = self.value_within(X, horizon, np.zeros(len(X)))
        share = self.value_within(X, horizon, _discount_rates(X)) / np.where(full > 0, full, 1.0)
        spent = interval_ends(self.spent_quantiles(X, horizon, tails(self.level_))) * share[:, None]
        return pd.DataFrame(np.column_stack([counts, spent]), index=X.index, columns=names)

    def spent_quantiles(self, X: pd.DataFrame, horizon: Array, at: Sequence[float]) -> Array:  # noqa: N803
        """Quantiles of the sum spent within `horizon` days, not discounted, shape (rows, quantiles)."""
        assert self.process_ is not None and self.spend_ is not None
        return spent_quantiles(self.process_, self.spend_, X, spend_rows(X), horizon, at)

    def probability_no_purchase(self, X: pd.DataFrame, horizon: Array) -> Array:  # noqa: N803
        """Probability of no purchase within `horizon` days, one value per row; NaN without a purchase process."""
        if self.process_ is None:
            return np.full(len(X), np.nan)
        return self.process_.probability_no_purchase(X, horizon)

    def parameters(self) -> dict[str, float]:
        """The fitted parameters by their names in the papers."""
        if self.process_ is None or self.spend_ is None:
            return {}
        process = self.process_.fallback_ or self.process_
        values = process.parameters_ | {"log_likelihood": process.log_likelihood_}
        values |= {f"spend_{name}": value for name, value in self.spend_.parameters_.items()}
        if not self.spend_.is_fallback_:
            values["spend_log_likelihood"] = self.spend_.log_likelihood_
        return values

    def _better(self, rows: pd.DataFrame) -> PurchaseProcess:
        bg_nbd = BgNbd(covariates=self.covariates).fit(rows)
        pareto = ParetoNbd(covariates=self.covariates).fit(rows)
        if pareto.is_fallback_:
            return bg_nbd
        return pareto if bg_nbd.is_fallback_ or pareto.log_likelihood_ > bg_nbd.log_likelihood_ else bg_nbd


def spend_rows(rows: pd.DataFrame) -> Array:
    """Purchase days of each customer and their mean amount, as Gamma-Gamma takes them."""
    count = rows["count_repeat_purchases"].to_numpy(dtype=float) + 1.0
    return np.column_stack([count, rows["purchase_amount"].to_numpy(dtype=float) / count])


def fit_value_model(frame: pd.DataFrame) -> ValueModel:
    """Fit on the night's snapshot rows with the usual settings."""
    return ValueModel().fit(frame)


def _discount_rates(rows: pd.DataFrame) -> Array:
    if "annual_discount_rate" not in rows.columns:
        return np.zeros(len(rows))
    return rows["annual_discount_rate"].to_numpy(dtype=float)
