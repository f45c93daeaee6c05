"""The registry's two tables, models and what became of them; rows are only added."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import class_row

from ml.monitors import Histogram, Reference
from ml.registry.files import RegistryError
from ml.registry.question import LIBRARIES, Question

COLUMNS = (
    "question", "model_version", "as_of_date", "code_version", "code_hash", "libraries", "data_hash", "data_from",
    "data_to", "count_rows", "horizon_days", "method", "is_fallback", "note", "parameters", "metrics", "calibration",
    "reference", "night_reference", "content", "sha256", "run_id",
)  # fmt: skip
PROMOTED = f"""
select {", ".join(f"models.{name}" for name in COLUMNS)}
from ml.model_events as events
inner join ml.models as models on events.question = models.question and events.model_version = models.model_version
where
    events.event = 'promoted' and events.question = %(question)s and events.valid_from <= %(night)s
    and models.code_version = %(code_version)s and models.libraries = %(libraries)s
    and models.horizon_days = %(horizon_days)s
order by events.valid_from desc, events.event_id desc
"""
CHALLENGER = """
select model_version from ml.models
where
    question = %s and as_of_date = %s
    and not exists (
        select from ml.model_events as events
        where events.question = models.question and events.model_version = models.model_version
    )
order by created_at desc limit 1
"""
FAILURE = """
select event, reasons from ml.model_events
where question = %s and valid_from <= %s
order by valid_from desc, event_id desc limit 1
"""


@dataclass(frozen=True)
class Model:
    """A row of `ml.models`."""

    question: str
    model_version: str
    as_of_date: date
    code_version: str
    code_hash: str
    libraries: str
    data_hash: str
    data_from: date | None
    data_to: date | None
    count_rows: int
    horizon_days: int
    method: str
    is_fallback: bool
    note: str
    parameters: Mapping[str, float]
    metrics: Mapping[str, float]
    calibration: Sequence[Sequence[float]]
    reference: Mapping[str, Any]
    night_reference: Mapping[str, Any] | None
    content: bytes
    sha256: str
    run_id: int | None = None

    @property
    def histograms(self) -> dict[str, Histogram]:
        """How each input of the training rows spread."""
        return {name: Histogram.of(one) for name, one in sorted(self.reference.items())}

    @property
    def night(self) -> Reference | None:
        """The night that taught it; None where the registry keeps nothing of it."""
        return Reference.of(self.night_reference) if self.night_reference else None


def add(url: str, model: Model) -> None:
    """Add a model; one that is there already stays as it is."""
    values = [getattr(model, name) for name in COLUMNS]
    plain = [json.dumps(value) if isinstance(value, Mapping | list | tuple) else value for value in values]
    places = ", ".join(["%s"] * len(COLUMNS))
    with psycopg.connect(url) as connection:
        connection.execute(
            f"insert into ml.models ({', '.join(COLUMNS)}) values ({places}) on conflict do nothing",  # type: ignore[arg-type, unused-ignore]
            plain,
        )


def get(url: str, question: str, model_version: str) -> Model:
    """One model.

    Raises
    ------
    RegistryError
        If there is no such model.
    """
    query = f"select {', '.join(COLUMNS)} from ml.models where question = %s and model_version = %s"
    found = _models(url, query, [question, model_version])
    if not found:
        raise RegistryError(f"there is no model {model_version} of {question}")
    return found[0]


def scored(url: str, question: str, night: date) -> Model | None:
    """The model that scored a night; None where none did, or one that is not in the registry."""
    query = f"""
        select {", ".join(f"models.{name}" for name in COLUMNS)}
        from ml.fits as fits
        inner join ml.models as models on fits.model = models.question and fits.model_version = models.model_version
        where fits.model = %s and fits.as_of_date = %s
    """
    found = _models(url, query, [question, night])
    return found[0] if found else None


def champion(url: str, question: Question, night: date, horizon_days: int) -> Model | None:
    """The model that scores a night: the one promoted last for that night or an earlier one.

    Models of another code version, of another version of the library or for another horizon are passed over.
    """
    found = _models(url, PROMOTED + " limit 1", _asked(question, night, horizon_days))
    return found[0] if found else None


def champion_horizon(url: str, question: str) -> int | None:
    """How far the champion that was promoted last looks ahead, in days; None where there is none."""
    query = """
        select models.horizon_days
        from ml.model_statuses as statuses
        inner join ml.models as models
            on statuses.question = models.question and statuses.model_version = models.model_version
        where statuses.status = 'champion' and statuses.question = %s
    """
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [question]).fetchone()
    return int(row[0]) if row else None


def previous(url: str, question: Question, current: Model, night: date) -> Model | None:
    """The newest model that was a champion before and learned from an earlier night than `current`."""
    found = _models(url, PROMOTED, _asked(question, night, current.horizon_days))
    return next((model for model in found if model.as_of_date < current.as_of_date), None)


def challenger(url: str, question: Question, as_of_date: date) -> str | None:
    """The version of the newest model that a night taught and nobody has judged yet; None where there is none."""
    with psycopg.connect(url) as connection:
        row = connection.execute(CHALLENGER, [question.name, as_of_date]).fetchone()
    return str(row[0]) if row else None


def log(
    url: str,
    question: str,
    model_version: str | None,
    event: str,
    as_of_date: date,
    valid_from: date,
    reasons: Sequence[str],
    run_id: int | None = None,
) -> None:
    """Add an event: promoted, rejected, retired or failed (which has no model)."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into ml.model_events (question, model_version, event, as_of_date, valid_from, reasons, run_id)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            [question, model_version, event, as_of_date, valid_from, list(reasons), run_id],
        )


def failure(url: str, question: str, night: date) -> str | None:
    """Why the last training that a night knows of failed; None if it did not."""
    with psycopg.connect(url) as connection:
        row = connection.execute(FAILURE, [question, night]).fetchone()
    return "; ".join(row[1]) if row and row[0] == "failed" else None


def _asked(question: Question, night: date, horizon_days: int) -> dict[str, Any]:
    return {
        "question": question.name,
        "night": night,
        "code_version": question.code_version,
        "libraries": LIBRARIES,
        "horizon_days": horizon_days,
    }


def _models(url: str, query: str, values: Any) -> list[Model]:
    with psycopg.connect(url) as connection, connection.cursor(row_factory=class_row(Model)) as cursor:
        return cursor.execute(query, values).fetchall()  # type: ignore[arg-type, unused-ignore]
