"""Customer value over a horizon: expected purchases times expected spend, with stated fallbacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.value.bg_nbd import BgNbd, Nbd, fit_bg_nbd, fit_nbd
from ml.value.gamma_gamma import GammaGamma, fit_gamma_gamma
from ml.value.histories import Histories, history_arrays
from ml.value.likelihood import Array

MIN_CUSTOMERS = 50
MIN_REPEAT_BUYERS = 20


@dataclass(frozen=True)
class ValueModel:
    """A purchase process and a spend model; either may be missing where the data do not carry it."""

    process: BgNbd | Nbd | None
    spend: GammaGamma | None
    pooled_spend: float

    @property
    def method(self) -> str:
        """`bg_nbd`, `nbd` or `none`."""
        return {BgNbd: "bg_nbd", Nbd: "nbd"}.get(type(self.process), "none")

    @property
    def note(self) -> str:
        """What was fitted and why, in a sentence or two for the report."""
        process = {
            "bg_nbd": "BG/NBD fitted; an inner maximum was found.",
            "nbd": "The BG/NBD likelihood has no usable inner maximum on these data (drop-out explains nothing beyond"
            " chance), so purchases are scored with its limit without drop-out, NBD; there is no probability alive.",
            "none": "Too little history for a purchase model; no customer value is given.",
        }[self.method]
        if self.spend is None and self.process is not None:
            process += " Gamma-Gamma could not be fitted; each customer's spend is the mean of all repeat purchases."
        return process

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Score snapshot rows; returns expected purchases, probability alive, spend and value, same index."""
        x, t_x, age = history_arrays(frame)
        horizon = frame["value_horizon_days"].to_numpy(dtype=float)
        missing = np.full(len(frame), np.nan)
        alive = missing
        purchases, spend = missing, missing
        if isinstance(self.process, BgNbd):
            purchases = self.process.expected_purchases(x, t_x, age, horizon)
            alive = self.process.probability_alive(x, t_x, age)
        elif isinstance(self.process, Nbd):
            purchases = self.process.expected_purchases(x, age, horizon)
        if self.process is not None:
            spend = self._expected_spend(x, frame["average_repeat_amount"].to_numpy(dtype=float))
        return pd.DataFrame(
            {
                "expected_purchases": purchases,
                "probability_alive": alive,
                "expected_order_value": spend,
                "customer_value": purchases * spend,
            },
            index=frame.index,
        )

    def probability_no_purchase(self, frame: pd.DataFrame, horizon: Array) -> Array:
        """Probability of no purchase within `horizon` days, one value per row; NaN without a purchase process."""
        x, t_x, age = history_arrays(frame)
        if isinstance(self.process, BgNbd):
            return self.process.probability_no_purchase(x, t_x, age, horizon)
        if isinstance(self.process, Nbd):
            return self.process.probability_no_purchase(x, age, horizon)
        return np.full(len(frame), np.nan)

    def parameters(self) -> dict[str, float]:
        """The fitted parameters by their names in the papers."""
        values: dict[str, float] = {}
        for prefix, part in (("", self.process), ("spend_", self.spend)):
            if part is not None:
                values |= {f"{prefix}{name}": float(value) for name, value in vars(part).items()}
        return values

    def _expected_spend(self, x: Array, mean_spend: Array) -> Array:
        if self.spend is None:
            return np.full(len(x), self.pooled_spend)
        return self.spend.expected_spend(x, mean_spend)


def fit_value_model(frame: pd.DataFrame) -> ValueModel:
    """Fit on the night's snapshot rows, one per customer; times in days, spend in the reporting currency."""
    spend = frame["average_repeat_amount"].to_numpy(dtype=float)
    x = frame["count_repeat_purchases"].to_numpy(dtype=float)
    is_repeat_buyer = (x > 0) & (spend > 0)
    if len(frame) < MIN_CUSTOMERS or is_repeat_buyer.sum() < MIN_REPEAT_BUYERS:
        return ValueModel(None, None, float("nan"))
    histories = Histories.of(frame)
    process = fit_bg_nbd(histories) or fit_nbd(histories)
    weights = x[is_repeat_buyer]
    pooled = float(np.average(spend[is_repeat_buyer], weights=weights))
    return ValueModel(process, fit_gamma_gamma(x, spend), pooled)
