"""How good the churn model is on windows that its fits had not seen, at many as-of dates.

At each date a fit knows only the windows that had closed by then: training dates at least one horizon earlier. So the
measures tell what a night of that date would have got.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from ml.churn.features import LABEL
from ml.churn.model import METHODS
from ml.churn.train import customer_groups, drawn, fit_churn, has_enough, input_matrix
from ml.measures import Interval, Measure, bootstrap, measures_of

DATES = 8
MAX_HELD_OUT = 5_000
CONTACT_SHARE = 0.3
SEED = 20111209
# The peers that a model must beat: the time since the last purchase alone, the purchase process, the logistic model.
RECENCY = "recency"
PEERS = (RECENCY, "process", "logistic")


@dataclass(frozen=True)
class BackTest:
    """Out-of-time predictions: `snapshot_date`, `customer_id`, `has_churned`, one column per method and peer."""

    predictions: pd.DataFrame
    horizon_days: int

    @property
    def dates(self) -> list:
        return sorted(self.predictions["snapshot_date"].unique())

    def choose(self, before: date | None = None) -> str:
        """The method with the best log loss on windows that had closed by `before`; None: all windows count.

        Log loss asks for ranking and level at once (a proper score). The blend, where these windows begin within less
        than one horizon of each other: they overlap, and one season's level would choose.
        """
        rows = self.predictions
        if before is not None:
            rows = rows[rows["snapshot_date"] <= before - timedelta(days=self.horizon_days)]
        if rows.empty or rows["snapshot_date"].max() - rows["snapshot_date"].min() < timedelta(days=self.horizon_days):
            return "blend"
        losses = {method: log_loss(rows[LABEL].astype(int), rows[method]) for method in METHODS}
        return min(METHODS, key=lambda method: losses[method])

    def chosen(self) -> NDArray[np.float64]:
        """What a night of each date would have said: each by the method chosen on the windows before it."""
        found = np.empty(len(self.predictions))
        for day in self.dates:
            rows = (self.predictions["snapshot_date"] == day).to_numpy()
            found[rows] = self.predictions.loc[rows, self.choose(day)]
        return found


def walk_forward(rows: pd.DataFrame, horizon_days: int, dates: int = DATES) -> BackTest:
    """Predictions of all methods at the newest `dates` dates that enough closed windows lie before; may be empty.

    `rows` are labelled snapshots with the process's column (`ml.churn.process.add_process`). Each date is measured on
    at most about `MAX_HELD_OUT` customers, drawn by hash.
    """
    found = []
    for day in sorted(rows["snapshot_date"].unique())[-dates:]:
        earlier = rows[rows["snapshot_date"] <= day - timedelta(days=horizon_days)]
        if earlier.empty or not has_enough(earlier):
            continue
        then = drawn(rows[rows["snapshot_date"] == day], MAX_HELD_OUT)
        model = fit_churn(earlier)
        table = then[["snapshot_date", "customer_id", LABEL]].assign(
            has_churned=then[LABEL].astype(bool),
            recency=then["days_since_last_purchase"].astype(float),
            **model.probabilities(input_matrix(then)),
        )
        found.append(table)
    columns = ["snapshot_date", "customer_id", LABEL, RECENCY, *METHODS]
    return BackTest(pd.concat(found) if found else pd.DataFrame(columns=columns), horizon_days)


def measure(test: BackTest, draws: int = 100, share: float = CONTACT_SHARE) -> dict[str, Interval]:
    """Measures of the chosen method, means over dates, and its lead over the best peer, with 95 % intervals.

    Calibration is told twice: `expected_calibration_error` over the rows of all dates together, which is what a year's
    decisions feel, and `..._per_date`, the mean over dates, which a season moves that no earlier year has shown.
    """
    table = test.predictions
    columns = {"chosen": test.chosen(), **{peer: table[peer].to_numpy(float) for peer in PEERS}}
    outcome = table[LABEL].to_numpy(bool)
    day = np.unique(table["snapshot_date"].to_numpy(dtype="datetime64[D]"), return_inverse=True)[1]
    measures = measures_of(share)
    ranks = {name: measures[name] for name in ("roc_auc", "pr_auc")}

    def statistic(picked: NDArray[np.int64]) -> dict[str, float]:
        y, dates = outcome[picked], day[picked]
        values = _means(y, columns["chosen"][picked], dates, measures)
        values["expected_calibration_error_per_date"] = values["expected_calibration_error"]
        together = measures["expected_calibration_error"]
        values["expected_calibration_error"] = together(y, columns["chosen"][picked])
        for name, compute in ranks.items():
            peers = {peer: _means(y, columns[peer][picked], dates, {name: compute})[name] for peer in PEERS}
            values |= {f"{name}_{peer}": value for peer, value in peers.items()}
            values[f"{name}_over_best_peer"] = values[name] - max(peers.values())
        return values

    return bootstrap(statistic, customer_groups(table["customer_id"]), draws, SEED)


def per_date(test: BackTest, share: float = CONTACT_SHARE) -> pd.DataFrame:
    """Measures of the chosen method at each date, one row per date."""
    table = test.predictions.assign(chosen=test.chosen())
    rows = []
    for day in test.dates:
        part = table[table["snapshot_date"] == day]
        outcome = part[LABEL].to_numpy(bool)
        row = {name: compute(outcome, part["chosen"].to_numpy()) for name, compute in measures_of(share).items()}
        row |= {f"roc_auc_{peer}": measures_of(share)["roc_auc"](outcome, part[peer].to_numpy()) for peer in PEERS}
        rows.append({"snapshot_date": day, "method": test.choose(day), "count": len(part)} | row)
    return pd.DataFrame(rows)


def _means(
    outcome: NDArray, score: NDArray, day: NDArray[np.int64], measures: Mapping[str, Callable | Measure]
) -> dict[str, float]:
    """Each measure's mean over the dates that have both outcomes."""
    values: dict[str, list[float]] = {name: [] for name in measures}
    for number in np.unique(day):
        rows = day == number
        if outcome[rows].all() or not outcome[rows].any():
            continue
        for name, compute in measures.items():
            values[name].append(compute(outcome[rows], score[rows]))
    return {name: float(np.mean(found)) if found else float("nan") for name, found in values.items()}
