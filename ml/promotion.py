"""Whether a challenger may take the champion's place: back-tests compared within stated limits, with reasons.

Pure: what a registry keeps of a training goes in, a verdict comes out. When in doubt the champion stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Evidence:
    """What one model's back-test and costs were, on the same held-out windows for both models.

    Attributes
    ----------
    horizon_days
        What the model predicts.
    roc_auc, calibration_error
        One figure per as-of date, dates in order; equal dates in both.
    dates
        The as-of dates, as ISO days.
    count_rows
        Held-out rows in all.
    probability_deviation
        Standard deviation of the probabilities, over all held-out rows.
    input_drift
        Population stability index of each input, held-out rows against training rows.
    seconds, bytes
        CPU seconds to score a million rows, and size of the stored model.
    """

    horizon_days: int
    dates: Sequence[str]
    roc_auc: Sequence[float]
    calibration_error: Sequence[float]
    count_rows: int
    probability_deviation: float
    seconds: float
    bytes: int
    input_drift: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What a challenger must keep to."""

    auc_loss: float = 0.0
    """How far the mean AUC may lie below the champion's."""
    auc_loss_at_a_date: float = 0.03
    """The same at the worst single date."""
    auc_deviation: float = 0.05
    """Standard deviation of the AUC over dates, at most."""
    auc_least: float = 0.55
    calibration_loss: float = 0.005
    calibration_most: float = 0.10
    dates_least: int = 3
    rows_least: int = 500
    deviation_least: float = 0.01
    drift_most: float = 0.25
    times_slower: float = 3.0
    bytes_most: int = 50_000_000


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger is promoted; else why not, in words."""

    is_promoted: bool
    reasons: tuple[str, ...]


def judge(challenger: Evidence, champion: Evidence | None, limits: Limits | None = None) -> Verdict:
    """Compare a challenger with the champion, or with the absolute limits alone where there is none yet."""
    limits = limits or Limits()
    reasons = [*_unreadable(challenger, limits)]
    if not reasons:
        reasons = [reason for check in _ALONE for reason in check(challenger, limits)]
    if not reasons and champion is not None:
        reasons = [*_incomparable(challenger, champion)]
        reasons = reasons or [reason for check in _AGAINST for reason in check(challenger, champion, limits)]
    return Verdict(not reasons, tuple(reasons))


def _unreadable(one: Evidence, limits: Limits) -> Iterator[str]:
    if not len(one.dates) == len(one.roc_auc) == len(one.calibration_error):
        yield "the back-test does not tell each measure at each date"
    elif len(one.dates) < limits.dates_least:
        yield f"measured at {len(one.dates)} dates, at least {limits.dates_least} are needed"
    if one.count_rows < limits.rows_least:
        yield f"measured on {one.count_rows} rows, at least {limits.rows_least} are needed"
    figures = [*one.roc_auc, *one.calibration_error, one.probability_deviation, one.seconds, *one.input_drift.values()]
    if not all(math.isfinite(value) for value in figures):
        yield "a figure of the back-test is missing or infinite"


def _ranking(one: Evidence, limits: Limits) -> Iterator[str]:
    mean = _mean(one.roc_auc)
    if mean < 0.5:
        yield f"it ranks the wrong way round: mean AUC {mean:.3f}"
    elif mean < limits.auc_least:
        yield f"it hardly ranks: mean AUC {mean:.3f}, at least {limits.auc_least} is needed"
    deviation = math.sqrt(_mean([(value - mean) ** 2 for value in one.roc_auc]))
    if deviation > limits.auc_deviation:
        yield f"its AUC changes from date to date by {deviation:.3f}, at most {limits.auc_deviation} is allowed"


def _probabilities(one: Evidence, limits: Limits) -> Iterator[str]:
    if one.probability_deviation < limits.deviation_least:
        yield f"it tells all customers nearly the same: standard deviation {one.probability_deviation:.4f}"
    error = _mean(one.calibration_error)
    if error > limits.calibration_most:
        yield f"its calibration error is {error:.3f}, at most {limits.calibration_most} is allowed"


def _inputs(one: Evidence, limits: Limits) -> Iterator[str]:
    for name, drift in sorted(one.input_drift.items()):
        if drift > limits.drift_most:
            yield f"its input {name} has drifted since training: {drift:.2f}, at most {limits.drift_most} is allowed"


def _size(one: Evidence, limits: Limits) -> Iterator[str]:
    if one.bytes > limits.bytes_most:
        yield f"it takes {one.bytes} bytes, at most {limits.bytes_most} are allowed"


def _incomparable(challenger: Evidence, champion: Evidence) -> Iterator[str]:
    if challenger.horizon_days != champion.horizon_days:
        yield f"it looks {challenger.horizon_days} days ahead, the champion {champion.horizon_days}"
    if list(challenger.dates) != list(champion.dates):
        yield "it was measured at other dates than the champion"


def _worse_ranking(challenger: Evidence, champion: Evidence, limits: Limits) -> Iterator[str]:
    lead = _mean(challenger.roc_auc) - _mean(champion.roc_auc)
    if lead < -limits.auc_loss:
        yield f"its mean AUC is {-lead:.4f} below the champion's"
    gaps = [theirs - ours for ours, theirs in zip(challenger.roc_auc, champion.roc_auc, strict=True)]
    worst = max(range(len(gaps)), key=lambda place: gaps[place])
    if gaps[worst] > limits.auc_loss_at_a_date:
        yield f"at {challenger.dates[worst]} its AUC is {gaps[worst]:.3f} below the champion's"


def _worse_calibration(challenger: Evidence, champion: Evidence, limits: Limits) -> Iterator[str]:
    loss = _mean(challenger.calibration_error) - _mean(champion.calibration_error)
    if loss > limits.calibration_loss:
        yield f"its calibration error is {loss:.3f} above the champion's"


def _slower(challenger: Evidence, champion: Evidence, limits: Limits) -> Iterator[str]:
    if challenger.seconds > limits.times_slower * champion.seconds:
        yield f"it takes {challenger.seconds:.0f} CPU seconds a million rows, the champion {champion.seconds:.0f}"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


_ALONE: tuple[Callable[[Evidence, Limits], Iterator[str]], ...] = (_ranking, _probabilities, _inputs, _size)
_AGAINST: tuple[Callable[[Evidence, Evidence, Limits], Iterator[str]], ...] = (
    _worse_ranking,
    _worse_calibration,
    _slower,
)
