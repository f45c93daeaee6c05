"""Who is to score a night, told before its features are worked out (`ml.speakers`).

Training dates are most of the work on features of customers, and only training reads them. A night whose questions all
have a champion leaves them out (dbt's macro `training_is_due`); a night that nothing is told of has them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import psycopg

from ml.registry import store
from ml.registry.question import Question


def tell(url: str, as_of_date: date, questions: Iterable[Question]) -> None:
    """Tell of each question whether a champion scores the night, in place of what was told of any night before."""
    told = [(as_of_date, question.name, _horizon(url, question, as_of_date)) for question in questions]
    with psycopg.connect(url) as connection:
        connection.execute("delete from ml.speakers")
        connection.cursor().executemany("insert into ml.speakers values (%s, %s, %s)", told)


def ask_for_training(url: str) -> None:
    """Let the features that are worked out next have all training dates."""
    with psycopg.connect(url) as connection:
        connection.execute("delete from ml.speakers")


def had_champion(url: str, question: Question, as_of_date: date, horizon_days: int) -> bool:
    """Whether the night's features were worked out for a champion, so that none can be trained on them."""
    query = "select from ml.speakers where as_of_date = %s and question = %s and horizon_days = %s"
    with psycopg.connect(url) as connection:
        return connection.execute(query, [as_of_date, question.name, horizon_days]).fetchone() is not None


def _horizon(url: str, question: Question, as_of_date: date) -> int | None:
    horizon = store.champion_horizon(url, question.name)
    if horizon is None or store.champion(url, question, as_of_date, horizon) is None:
        return None
    return horizon
