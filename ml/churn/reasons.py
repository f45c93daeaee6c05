"""Why the model gives a customer this probability: Shapley values in log-odds, told in words.

Members' log-odds are averaged, so their Shapley values are (additivity: Lundberg, S. M., Lee, S.-I. (2017). A unified
approach to interpreting model predictions. NeurIPS 30, property 1 and corollary 1 for the linear member; trees by
`shap.TreeExplainer`). Values of features that say the same thing are added up to one reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.churn.model import ChurnClassifier
from ml.churn.process import COLUMN
from ml.churn.train import INPUTS, input_matrix

COUNT = 3
CHUNK = 100_000


@dataclass(frozen=True)
class Reason:
    """Features that say the same thing, and what they say of a customer."""

    code: str
    features: tuple[str, ...]
    words: Callable[[dict[str, float]], str]


def _silence(row: dict[str, float]) -> str:
    usual = row["mean_gap_days"]
    paused = f"no purchase for {row['days_since_last_purchase']:.0f} days"
    return paused if np.isnan(usual) else f"{paused}, on average one each {usual:.0f} days before"


def _rhythm(row: dict[str, float]) -> str:
    longest = row["longest_gap_days"]
    return "has bought on one day only" if np.isnan(longest) else f"longest pause between purchases {longest:.0f} days"


def _returns(row: dict[str, float]) -> str:
    share = 100 * float(np.nan_to_num(row["returned_share"]))
    return f"orders with returns: {row['count_returns']:.0f}, {share:.0f} % of the amount"


def _trend(row: dict[str, float]) -> str:
    recent, before = row["purchase_amount_90d"], row["purchase_amount_previous_90d"]
    return f"bought for {recent:.0f} in the last 90 days, for {before:.0f} in the 90 days before"


REASONS = (
    Reason("silence", ("days_since_last_purchase", "overdue_share"), _silence),
    Reason(
        "frequency",
        ("count_repeat_purchases", "count_orders", "purchase_rate"),
        lambda row: f"purchase days: {row['count_repeat_purchases'] + 1:.0f} in {row['age_days']:.0f} days",
    ),
    Reason(
        "activity",
        ("count_purchase_days_30d", "count_purchase_days_90d", "count_purchase_days_180d"),
        lambda row: f"purchase days in the last 90 days: {row['count_purchase_days_90d']:.0f}",
    ),
    Reason(
        "tenure",
        ("age_days", "recency_days"),
        lambda row: f"first purchase {row['age_days']:.0f} days ago, newest {row['recency_days']:.0f} days after it",
    ),
    Reason("rhythm", ("longest_gap_days", "gap_deviation_days", "mean_gap_days"), _rhythm),
    Reason(
        "spend",
        (
            "purchase_amount",
            "average_order_amount",
            "average_repeat_amount",
            "last_purchase_amount",
            "last_amount_share",
        ),
        lambda row: f"{row['average_order_amount']:.0f} an order, {row['last_purchase_amount']:.0f} the last day",
    ),
    Reason("trend", ("purchase_amount_90d", "purchase_amount_previous_90d", "amount_trend"), _trend),
    Reason("returns", ("count_returns", "returned_amount", "returned_share"), _returns),
    Reason("breadth", ("count_lines", "lines_per_order"), lambda row: f"{row['lines_per_order']:.0f} lines an order"),
    Reason(
        "season",
        ("count_purchase_days_same_season",),
        lambda row: f"purchase days in this season a year ago: {row['count_purchase_days_same_season']:.0f}",
    ),
    Reason("pace", (COLUMN,), lambda row: f"by the pace so far {100 * row[COLUMN]:.0f} % would not come back"),
)
DIRECTIONS = {True: "speaks for leaving", False: "speaks for staying"}


def shapley_values(model: ChurnClassifier, rows: pd.DataFrame) -> NDArray[np.float64]:
    """What each of `INPUTS` adds to a row's log-odds, one column per input; sums to the log-odds less a constant."""
    import shap

    matrix = input_matrix(rows).to_numpy(dtype=np.float64)
    process = model.process_column
    assert process is not None
    known = {member: ~np.isnan(matrix[:, process]) if member == "process" else True for member in model.members()}
    speaking = np.maximum(sum(np.ones(len(matrix)) * is_known for is_known in known.values()), 1.0)
    learned = np.delete(np.arange(matrix.shape[1]), process)
    values = np.zeros_like(matrix)
    if "boosting" in known:
        trees = shap.TreeExplainer(model.boosting_)
        values[:, learned] += trees.shap_values(matrix[:, learned])
    if "logistic" in known:
        # Inputs are standardised: their mean is zero, and so is the mean's share.
        values[:, learned] += model.linear_terms(matrix) * model.logistic_.coef_[0]
    if "process" in known:
        values[:, process] = np.nan_to_num(model.member_log_odds("process", matrix), nan=0.0)
    slope, _ = model.scaling()
    return np.asarray(slope * values / speaking[:, None])


def reasons_of(model: ChurnClassifier, rows: pd.DataFrame) -> pd.DataFrame:
    """`reason_1_code`, `reason_1` … of each row, same index: the strongest first, whichever way they speak.

    Codes end in + where they raise the probability and in - where they lower it.
    """
    parts = [_reasons(model, rows.iloc[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
    return pd.concat(parts) if parts else pd.DataFrame(columns=columns())


def columns() -> list[str]:
    """The columns of `reasons_of`."""
    return [name for rank in range(1, COUNT + 1) for name in (f"reason_{rank}_code", f"reason_{rank}")]


def _reasons(model: ChurnClassifier, rows: pd.DataFrame) -> pd.DataFrame:
    values = shapley_values(model, rows)
    places = {name: place for place, name in enumerate(INPUTS)}
    told = np.column_stack([values[:, [places[name] for name in reason.features]].sum(axis=1) for reason in REASONS])
    # The process's own level is the customers' common one, as the other members' is: only the difference is a reason.
    told -= np.array([told[:, place].mean() if reason.code == "pace" else 0.0 for place, reason in enumerate(REASONS)])
    # A stable order: of equally strong reasons the first of the list comes first, on any machine.
    strongest = np.argsort(-np.abs(np.round(told, 9)), axis=1, kind="stable")[:, :COUNT]
    records = input_matrix(rows).to_dict("records")
    found: dict[str, list[str]] = {name: [] for name in columns()}
    for rank in range(COUNT):
        for code, words in _words(strongest[:, rank], told, records):
            found[f"reason_{rank + 1}_code"].append(code)
            found[f"reason_{rank + 1}"].append(words)
    return pd.DataFrame(found, index=rows.index)


def _words(chosen: NDArray, told: NDArray, records: list[dict]) -> Iterator[tuple[str, str]]:
    for row, (place, record) in enumerate(zip(chosen, records, strict=True)):
        reason = REASONS[place]
        raises = bool(told[row, place] > 0)
        yield f"{reason.code}{'+' if raises else '-'}", f"{reason.words(record)} ({DIRECTIONS[raises]})"
