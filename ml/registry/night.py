"""Which model scores a night: the champion of the night; the first night trains one, as there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from ml.fits import Fit
from ml.registry import speakers, store
from ml.registry.files import RegistryError
from ml.registry.question import Question
from ml.registry.training import restored, train

FIRST = "there was no champion for this night, this code and this horizon"


def speaker(
    url: str,
    question: Question,
    as_of_date: date,
    horizon_days: int,
    count_customers: int,
    features: Callable[[], Any],
    run_id: int | None = None,
) -> tuple[Any, Fit]:
    """The fitted estimator that scores a night, and its description; None where the night carries no model.

    Parameters
    ----------
    url
        The warehouse.
    question
        What is asked.
    as_of_date, horizon_days
        The night, and how long its label windows are.
    count_customers
        How many customers it scores.
    features
        Called for what training needs, if there is no champion.
    run_id
        The run that scores.

    Raises
    ------
    RegistryError
        If the champion's file is not what was stored: it is not loaded, and no other one takes its place unasked. If
        there is no champion any more, but there was one when the features were worked out: they lack training dates.
    """
    champion = store.champion(url, question, as_of_date, horizon_days)
    if champion is not None:
        fit = restored(question, champion)
        failed = store.failure(url, question.name, as_of_date)
        return fit.estimator, replace(fit.fit(count_customers), training_failure=failed)
    if speakers.had_champion(url, question, as_of_date, horizon_days):
        raise RegistryError(f"{question.name}: its champion went while the night was built; start the night anew")
    first, fit_of_first = train(url, question, as_of_date, features(), run_id)
    if first is None:
        return None, fit_of_first
    store.log(url, question.name, first.model.model_version, "promoted", as_of_date, as_of_date, [FIRST], run_id)
    return first.estimator, fit_of_first
