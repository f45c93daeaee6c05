"""Train a question's model and add it to the registry, with all that tells where it comes from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from threadpoolctl import threadpool_limits

from ml.fits import Fit
from ml.monitors import Reference, histogram
from ml.registry import store
from ml.registry.files import digest, dump, load
from ml.registry.question import LIBRARIES, Question, code_hash, data_hash

SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Trained:
    """An estimator as the registry gives it back, and the row that tells of it."""

    estimator: Any
    model: store.Model

    def fit(self, count_customers: int) -> Fit:
        """The description of the model as a night that scores so many customers tells it."""
        model = self.model
        return Fit(
            model.question,
            model.model_version,
            model.method,
            model.is_fallback,
            model.note,
            count_customers,
            dict(model.parameters),
            dict(model.metrics),
            trained_as_of=model.as_of_date,
        )


def train(
    url: str, question: Question, as_of_date: date, features: Any, run_id: int | None
) -> tuple[Trained | None, Fit]:
    """Train and add to the registry; None where the night carries no model, then the description says why.

    What scores is what was stored: the estimator comes back from its bytes.
    """
    with threadpool_limits(1):  # sums of several threads end in any order, and the bytes would differ
        estimator, fit = question.train(features)
    if estimator is None:
        return None, fit
    content = dump(estimator)
    sha256 = digest(content)
    rows = question.training_rows(features)
    data = data_hash(rows)
    # Equal bytes learned on another night are another model: they have another age.
    told = digest(f"{sha256} {data} {as_of_date}".encode())
    fit = replace(fit, model_version=f"{question.code_version}-{told[:SHOWN_DIGITS]}")
    days = rows["snapshot_date"]
    night = Reference.of_night(question.night_inputs(features), question.night_scores(estimator, features))
    histograms = {str(name): histogram(values) for name, values in question.inputs(rows).items()} if len(rows) else {}
    model = store.Model(
        question=question.name,
        model_version=fit.model_version,
        as_of_date=as_of_date,
        code_version=question.code_version,
        code_hash=code_hash(question.packages),
        libraries=LIBRARIES,
        data_hash=data,
        data_from=days.min() if len(rows) else None,
        data_to=days.max() if len(rows) else None,
        count_rows=len(rows),
        horizon_days=question.horizon_days(features),
        method=fit.method,
        is_fallback=fit.is_fallback,
        note=fit.note,
        parameters=fit.parameters,
        metrics=fit.metrics,
        calibration=fit.calibration,
        reference={name: {"edges": one.edges, "shares": one.shares} for name, one in histograms.items()},
        night_reference=asdict(night) if night else None,
        content=content,
        sha256=sha256,
        run_id=run_id,
    )
    store.add(url, model)
    return read(url, question, fit.model_version), fit


def read(url: str, question: Question, model_version: str) -> Trained:
    """A model of the registry, its hash and types checked.

    Raises
    ------
    RegistryError
        If there is none, or it is not what was stored.
    """
    model = store.get(url, question.name, model_version)
    return restored(question, model)


def restored(question: Question, model: store.Model) -> Trained:
    """The estimator of a row of the registry, its hash and types checked.

    Raises
    ------
    RegistryError
        If it is not what was stored.
    """
    name = f"model {model.model_version}"
    return Trained(load(bytes(model.content), model.sha256, question.trusted, question.kinds, name), model)
