"""Features that know the future, found before a model learns from them.

A training date knows its outcome only through its label. Each check looks for another way in: values that change when
all that came after the snapshot is cut away, columns that tell the outcome too well, dates later than the snapshot,
columns that mean nothing on the night because their future has not come.

The limits stand far from what honest features reach: on the sample the best single feature separates with an AUC of
0.70, and the model leads its best peer by less than 0.01.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.churn.features import KEY, LABEL
from ml.measures import roc_auc

SEPARATES = 0.85
MISSING_SEPARATES = 0.75
ORDER_SEPARATES = 0.65
LEADS_PEERS = 0.10
PURE = 0.99
MIN_ROWS = 100
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Alarm:
    """One way in which the future may have come into a feature."""

    check: str
    feature: str
    reason: str


class LeakError(ValueError):
    """Training stopped: a feature seems to know the future."""

    def __init__(self, alarms: Sequence[Alarm]) -> None:
        self.alarms = tuple(alarms)
        super().__init__("; ".join(f"{alarm.feature}: {alarm.reason}" for alarm in alarms))


def find_leaks(
    rows: pd.DataFrame,
    features: Sequence[str],
    night: pd.DataFrame,
    derived: pd.DataFrame | None = None,
    back_test: Mapping[str, float] | None = None,
) -> list[Alarm]:
    """All alarms of a training, none where it is clean.

    Parameters
    ----------
    rows
        Labelled snapshots as they were delivered, not sorted anew: `KEY`, `LABEL`, `features`, any dates.
    features
        The columns a model would learn from.
    night
        The same columns for the night, whose outcome nobody knows yet; may be empty.
    derived
        Features of some of the rows derived anew from data that end at the snapshot (`ml.churn.rederive`).
    back_test
        `roc_auc` of the model on windows it had not seen, and `roc_auc_<peer>` of its peers.
    """
    alarms = [
        *_later_dates(rows),
        *_separating(rows, features),
        *_by_order(rows),
        *_void_tonight(rows, features, night),
        *(_changed_by_truncation(rows, features, derived) if derived is not None else ()),
        *(_too_good(back_test) if back_test else ()),
    ]
    return sorted(alarms, key=lambda alarm: (alarm.feature, alarm.check))


def require_clean(
    rows: pd.DataFrame,
    features: Sequence[str],
    night: pd.DataFrame,
    derived: pd.DataFrame | None = None,
    back_test: Mapping[str, float] | None = None,
) -> None:
    """Raise `LeakError` with all alarms of `find_leaks`, if there are any."""
    alarms = find_leaks(rows, features, night, derived, back_test)
    if alarms:
        raise LeakError(alarms)


def _later_dates(rows: pd.DataFrame) -> Iterator[Alarm]:
    """Dates of things known must not lie after the snapshot."""
    snapshot = pd.to_datetime(rows["snapshot_date"])
    for name in rows.columns:
        if not name.endswith("_date") or name in ("snapshot_date", "as_of_date"):
            continue
        later = int((pd.to_datetime(rows[name]) > snapshot).sum())
        if later:
            yield Alarm("later_date", name, f"{later} values lie after their snapshot")


def _separating(rows: pd.DataFrame, features: Sequence[str]) -> Iterator[Alarm]:
    outcome, day = _outcome(rows), _days(rows)
    for name in features:
        values = rows[name].astype(float).to_numpy()
        missing = np.isnan(values)
        separation = _separation(np.where(missing, -np.inf, values), outcome, day)
        if separation > SEPARATES:
            yield Alarm("separates", name, f"it alone separates the outcomes with an AUC of {separation:.3f}")
        by_missing = _separation(missing, outcome, day)
        share = outcome[missing].mean() if missing.sum() >= MIN_ROWS else 0.5
        if by_missing > MISSING_SEPARATES or max(share, 1.0 - share) > PURE:
            yield Alarm("missing", name, f"where it is missing the outcome is known: AUC {by_missing:.3f}")


def _by_order(rows: pd.DataFrame) -> Iterator[Alarm]:
    outcome, day = _outcome(rows), _days(rows)
    orders = {
        "row order": np.arange(len(rows)),
        "customer_id": np.unique(rows["customer_id"].to_numpy(dtype=str), return_inverse=True)[1],
    }
    for name, place in orders.items():
        separation = _separation(place, outcome, day)
        if separation > max(ORDER_SEPARATES, 0.5 + 4.0 * _chance(outcome, day)):
            yield Alarm("order", name, f"this order separates the outcomes with an AUC of {separation:.3f}")


def _void_tonight(rows: pd.DataFrame, features: Sequence[str], night: pd.DataFrame) -> Iterator[Alarm]:
    """What counts the label window counts nothing on the night: constant or missing where training dates vary."""
    if len(night) < MIN_ROWS:
        return
    newest = rows[rows["snapshot_date"] == rows["snapshot_date"].max()]
    outcome, day = _outcome(newest), _days(newest)
    for name in features:
        if night[name].nunique(dropna=False) > 1 or newest[name].nunique(dropna=False) == 1:
            continue
        values = newest[name].astype(float).fillna(-np.inf).to_numpy()
        separation = _separation(values, outcome, day)
        if separation > 0.5 + 4.0 * _chance(outcome, day):
            yield Alarm("void_tonight", name, f"nothing on the night, but an AUC of {separation:.3f} in training")


def _changed_by_truncation(rows: pd.DataFrame, features: Sequence[str], derived: pd.DataFrame) -> Iterator[Alarm]:
    """Values must be those that data ending at the snapshot give."""
    there = rows.assign(snapshot_date=pd.to_datetime(rows["snapshot_date"]))
    both = there.merge(derived, on=list(KEY), how="inner", suffixes=("", "_derived"))
    if both.empty:
        yield Alarm("truncation", "all features", "none of the rows could be derived anew")
        return
    for name in features:
        if name not in derived.columns:
            yield Alarm("truncation", name, "nobody can derive it from data that end at the snapshot")
            continue
        ours, again = (both[column].astype(float).to_numpy() for column in (name, f"{name}_derived"))
        same = np.isclose(ours, again, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        if not same.all():
            reason = f"{int((~same).sum())} of {len(both)} values change when what came after the snapshot is cut away"
            yield Alarm("truncation", name, reason)


def _too_good(back_test: Mapping[str, float]) -> Iterator[Alarm]:
    peers = [value for name, value in back_test.items() if name in ("roc_auc_recency", "roc_auc_process")]
    lead = back_test["roc_auc"] - max(peers, default=back_test["roc_auc"])
    if lead > LEADS_PEERS:
        reason = f"an AUC of {back_test['roc_auc']:.3f} is {lead:.3f} above what the purchase process reaches"
        yield Alarm("too_good", "the model", reason)


def _days(rows: pd.DataFrame) -> NDArray:
    return pd.to_datetime(rows["snapshot_date"]).to_numpy()


def _outcome(rows: pd.DataFrame) -> NDArray[np.bool_]:
    return rows[LABEL].astype(bool).to_numpy()


def _separation(values: NDArray, outcome: NDArray[np.bool_], day: NDArray) -> float:
    """Mean AUC over dates, in the better direction; 0.5 where no date has both outcomes."""
    found = [roc_auc(outcome[day == one], values[day == one]) for one in np.unique(day)]
    known = [value for value in found if np.isfinite(value)]
    mean = float(np.mean(known)) if known else 0.5
    return max(mean, 1.0 - mean)


def _chance(outcome: NDArray[np.bool_], day: NDArray) -> float:
    """Standard error of an AUC of 0.5 on the smallest date (Hanley and McNeil, 1982), as if dates told the same."""
    errors = []
    for one in np.unique(day):
        churned = int(outcome[day == one].sum())
        stayed = int((day == one).sum()) - churned
        if churned and stayed:
            errors.append(np.sqrt((churned + stayed + 1) / (12.0 * churned * stayed)))
    return float(max(errors, default=0.5))
