"""A challenger against the champion: trained, measured on the same dates, promoted only if it is not worse."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from ml.monitors import stability_index
from ml.promotion import Evidence, judge
from ml.registry import store
from ml.registry.files import RegistryError
from ml.registry.question import Question
from ml.registry.training import Trained, read, restored, train

TIMES = 3
MILLION = 1_000_000
MORE_DRIFT = 0.1
NOTHING_TO_TRAIN = "the night carries no model: too little history"


@dataclass(frozen=True)
class Outcome:
    """What became of a question's training: promoted, rejected, unchanged or failed; and why, in words."""

    question: str
    outcome: str
    model_version: str | None
    champion_version: str | None
    reasons: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The outcome as a person reads it."""
        against = f" (champion before: {self.champion_version})" if self.champion_version else ""
        why = f": {'; '.join(self.reasons)}" if self.reasons else ""
        return f"{self.question}: {self.outcome} {self.model_version or 'no model'}{against}{why}"


def train_challenger(url: str, question: Question, as_of_date: date, run_id: int | None = None) -> Outcome:
    """Train on the features of a night and add the model as a challenger.

    A training that fails is written down, so that nights tell of it, and the champion goes on.

    Raises
    ------
    Exception
        Whatever the training raised.
    """
    try:
        with threadpool_limits(1):  # sums of several threads end in any order
            features = question.read(url, as_of_date)
            trained, _ = train(url, question, as_of_date, features, run_id)
        if trained is None:
            raise RegistryError(NOTHING_TO_TRAIN)
    except Exception as error:
        _failed(url, question, as_of_date, "training", error, run_id)
        raise
    return Outcome(question.name, "trained", trained.model.model_version, None)


def judge_challenger(url: str, question: Question, as_of_date: date, run_id: int | None = None) -> Outcome:
    """Measure the night's challenger and the champion on the same dates; promote or reject it.

    A promoted model scores from the next night on: the night that taught it stays as it was scored.

    Raises
    ------
    Exception
        Whatever measuring raised; it is written down as a failed training, and the champion goes on.
    """
    try:
        features = question.read(url, as_of_date)
        horizon = question.horizon_days(features)
        tomorrow = as_of_date + timedelta(days=1)
        champion = store.champion(url, question, tomorrow, horizon)
        before = champion.model_version if champion else None
        version = store.challenger(url, question, as_of_date)
        if version is None:
            return Outcome(question.name, "unchanged", before, None)
        challenger = read(url, question, version)
        with threadpool_limits(1):
            verdict = _judged(question, challenger, restored(question, champion) if champion else None, features)
    except Exception as error:
        _failed(url, question, as_of_date, "back-test", error, run_id)
        raise
    event = "promoted" if verdict.is_promoted else "rejected"
    store.log(url, question.name, version, event, as_of_date, tomorrow, verdict.reasons, run_id)
    return Outcome(question.name, event, version, before, verdict.reasons)


def roll_back(url: str, question: Question, as_of_date: date, horizon_days: int, run_id: int | None = None) -> Outcome:
    """Let the champion before the current one score again, from the night after `as_of_date` on.

    Raises
    ------
    RegistryError
        If there is no champion, or none before it.
    """
    tomorrow = as_of_date + timedelta(days=1)
    current = store.champion(url, question, tomorrow, horizon_days)
    before = current and store.previous(url, question, current, tomorrow)
    if current is None or before is None:
        raise RegistryError(f"{question.name}: there is no earlier champion to go back to")
    restored(question, before)  # what cannot be read must not become champion
    why = (f"rolled back from {current.model_version}",)
    store.log(url, question.name, current.model_version, "retired", as_of_date, tomorrow, ["rolled back"], run_id)
    store.log(url, question.name, before.model_version, "promoted", as_of_date, tomorrow, why, run_id)
    return Outcome(question.name, "promoted", before.model_version, current.model_version, why)


def _judged(question: Question, challenger: Trained, champion: Trained | None, features: Any) -> Any:
    night = question.night_rows(features)
    against = None if champion is None else _evidence(question, champion, features, night, {}, False)
    known = {} if champion is None else _drift(question, champion, night)
    drift = {name: moved for name, moved in _drift(question, challenger, night).items() if name in known}
    # A growing shop's inputs move anyway: what counts is that the challenger's training rows are further from tonight.
    further = {name: moved for name, moved in drift.items() if moved > known[name] + MORE_DRIFT}
    return judge(_evidence(question, challenger, features, night, further, True), against, question.limits)


def _evidence(
    question: Question,
    trained: Trained,
    features: Any,
    night: pd.DataFrame,
    drift: dict[str, float],
    is_challenger: bool,
) -> Evidence:
    measured = question.measure(trained.estimator, trained.model.as_of_date, features, is_challenger)
    seconds = []
    for _ in range(TIMES):  # the quickest of some, as something else may run beside
        began = time.process_time()
        said = question.predict(trained.estimator, night)
        seconds.append(time.process_time() - began)
    return Evidence(
        horizon_days=trained.model.horizon_days,
        dates=[day.isoformat() for day in measured.dates],
        roc_auc=measured.roc_auc,
        calibration_error=measured.calibration_error,
        count_rows=measured.count_rows,
        probability_deviation=float(said.std()),
        seconds=min(seconds) * MILLION / max(len(night), 1),
        bytes=len(trained.model.content),
        input_drift=drift,
    )


def _drift(question: Question, trained: Trained, night: pd.DataFrame) -> dict[str, float]:
    """How far tonight's inputs are from those of a model's training rows."""
    tonight = question.inputs(night)
    histograms = trained.model.histograms
    return {str(name): stability_index(histograms[str(name)], tonight[name]) for name in tonight if name in histograms}


def _failed(url: str, question: Question, as_of_date: date, what: str, error: Exception, run_id: int | None) -> None:
    text = str(error).strip().splitlines()
    why = f"{what}: {text[0] if text else type(error).__name__}"
    store.log(url, question.name, None, "failed", as_of_date, as_of_date + timedelta(days=1), [why], run_id)
