"""Each night's figures on whether models still work: what it asks of the warehouse, and what it writes there.

Drift is measured against the night that taught the model, not against the night before: then it is the same figure
whatever other nights ran, and what moves a little each night is seen all the same. What came of scores waits until
the horizon has passed: scores given one horizon ago meet what happened since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from math import isnan

import pandas as pd

from kehu.warehouse.runs import Counts
from kehu.warehouse.tables import read_frame, replace_night
from ml.monitors import LEAST, LEAST_BUYERS, stability_index, stability_index_by_chance
from ml.registry import store
from ml.registry.question import Question
from ml.tables import FeatureError

KEY = ("as_of_date", "question")
TYPES = {"value": float, "chance_value": float, "expected_value": float}
SCORES = "select {column}::float8 as score from ml.{table} where as_of_date = date '{night}' order by customer_id"
VERSION = "select model_version from ml.fits where model = '{question}' and as_of_date = date '{night}'"
NO_MODEL = "No model of the registry scored the night, so there is nothing to compare with."
TOO_FEW = f"Fewer than {LEAST} customers: drift cannot be told from chance."
NO_REFERENCE = "The registry keeps no histograms of the night that taught this model: trained before there were any."
NO_SCORES = "No scores were given one horizon ago, or none whose outcome is known."
NO_ORDER = (
    f"Fewer than {LEAST_BUYERS} customers bought since, or all spent the same: a few decide how well they are ordered."
)


@dataclass(frozen=True)
class Figure:
    """A row of `ml.monitors` without its night and question.

    Attributes
    ----------
    monitor
        input_drift, score_drift, or one of the question's `monitors`.
    subject
        The input or the score that it tells of.
    model_version
        The model whose scores it tells of.
    value
        None where it cannot be told; then the note says why.
    chance_value
        What chance alone stays below (`ml.monitors.CHANCE`).
    expected_value
        What the model's back-test led to expect.
    reference_date
        The night it is compared with, or whose scores it tells of.
    count_rows
        Customers measured.
    """

    monitor: str
    subject: str
    model_version: str
    value: float | None = None
    chance_value: float | None = None
    expected_value: float | None = None
    reference_date: date | None = None
    count_rows: int = 0
    note: str = ""


def monitor(url: str, as_of_date: date, questions: Iterable[Question]) -> Counts:
    """Measure the models that scored a night and replace the night's rows of `ml.monitors`."""
    rows = [
        {"as_of_date": as_of_date, "question": question.name, **asdict(figure)}
        for question in questions
        for figure in figures(url, question, as_of_date)
    ]
    frame = pd.DataFrame(rows, columns=[*KEY, *Figure.__dataclass_fields__]).astype(TYPES)
    return Counts(None, replace_night(url, "ml", "monitors", frame, as_of_date))


def figures(url: str, question: Question, as_of_date: date) -> list[Figure]:
    """All figures of one question; none where the night scored nobody."""
    told = read_frame(url, VERSION.format(question=question.name, night=as_of_date))
    if told.empty:
        return []
    version = str(told["model_version"].iloc[0])
    return [*_drift(url, question, as_of_date, version), *_matured(url, question, as_of_date, version)]


def _drift(url: str, question: Question, as_of_date: date, version: str) -> Iterator[Figure]:
    """How far tonight's inputs and scores are from those of the night that taught the model."""
    model = store.scored(url, question.name, as_of_date)
    reference = model.night if model else None
    asked = SCORES.format(column=question.score_column, table=question.score_table, night=as_of_date)
    scores = read_frame(url, asked)["score"]
    if model is None or reference is None or min(reference.count_rows, len(scores)) < LEAST:
        note = NO_MODEL if model is None else NO_REFERENCE if reference is None else TOO_FEW
        yield Figure("input_drift", "all inputs", version, note=note)
        yield Figure("score_drift", question.score_column, version, note=note)
        return
    inputs = question.night_inputs(question.read_night(url, as_of_date))
    if missing := sorted(set(reference.inputs) - set(inputs.columns)):
        raise FeatureError(f"the feature table lacks: {', '.join(missing)}")
    columns = [("input_drift", name, one, inputs[name]) for name, one in reference.inputs.items()]
    for kind, subject, then, now in [*columns, ("score_drift", question.score_column, reference.scores, scores)]:
        by_chance = stability_index_by_chance(then, reference.count_rows, len(now))
        yield Figure(kind, subject, version, stability_index(then, now), by_chance, None, model.as_of_date, len(now))


def _matured(url: str, question: Question, as_of_date: date, version: str) -> Iterator[Figure]:
    """Whether scores given one horizon ago were right."""
    subject = question.matured_column
    rows = read_frame(url, question.outcomes.format(night=as_of_date))
    found = question.matured(rows)
    if found is None:
        yield from (Figure(kind, subject, version, note=NO_SCORES) for kind in question.monitors)
        return
    then = as_of_date - timedelta(days=int(rows["horizon_days"].iloc[0]))
    version = str(rows["model_version"].iloc[0])
    model = store.scored(url, question.name, then)
    expected = model.metrics if model else {}
    for kind, measure in question.monitors.items():
        value, count = found.values[kind], found.count_rows
        if isnan(value):
            yield Figure(kind, subject, version, reference_date=then, count_rows=count, note=NO_ORDER)
            continue
        foreseen = expected.get(measure) if measure else None
        yield Figure(kind, subject, version, value, found.chances.get(kind), foreseen, then, count)
