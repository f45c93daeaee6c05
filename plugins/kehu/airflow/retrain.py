"""The stages of the weekly DAG `retrain`: thin tasks around the model registry.

They run under the number of the newest published night, whose features they learn from, training dates added first: a
night that begins meanwhile rebuilds these features, and then they stop.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException

from kehu.airflow.limits import LIMITS
from kehu.airflow.stages import retried_if_it_may_pass, stage, warehouse_url
from kehu.warehouse.roles import Role
from kehu.warehouse.runs import Counts, Night, published_night

log = logging.getLogger(__name__)
# Named here once more than in ml.retrain, because parsing the DAG must not import it; a test compares them.
QUESTIONS = ("churn", "value")
# The models that have rows of training dates, and the view of all snapshots: it goes with a table that is replaced.
FEATURES = ("ftr_training_snapshots", "ftr_customer_movements", "ftr_customer_snapshots")


@task(
    task_id="newest_night",
    doc_md="Finds the newest published night: models learn from the features that it left.",
    **LIMITS,
)
def newest_night_task() -> dict[str, Any]:
    """The published night; only its number and date travel on between tasks."""
    with retried_if_it_may_pass():
        night = published_night(warehouse_url(Role.ML))
    if night is None:
        raise AirflowFailException("no night is published yet: there is nothing to learn from")
    return {"run_id": night.run_id, "as_of_date": night.as_of_date.isoformat()}


@stage(
    "build_training",
    "dbt: the features of the newest published night again, with all training dates; a night whose questions all have a"
    " champion leaves these out.",
    role=Role.TRANSFORMER,
)
def build_training(url: str, night: Night) -> Counts:
    """Build what models learn from."""
    from kehu.airflow.dbt import build
    from ml.registry.speakers import ask_for_training

    ask_for_training(url)
    return Counts(None, build(url, night, FEATURES, leaves_manifest=False))


def train_stage(question: str) -> Any:
    """The stage that trains a question's challenger."""

    def train(url: str, night: Night) -> Counts:
        from ml import retrain
        from ml.registry.contest import train_challenger

        log.info("%s", train_challenger(url, retrain.QUESTIONS[question], night.as_of_date, night.run_id).line)
        return Counts(rows_out=1)

    doc = f"Trains a challenger for {question} and adds it to `ml.models`. If this fails, the champion goes on scoring."
    return stage(f"train_{question}", doc, role=Role.ML, is_alone=False)(train)


def judge_stage(question: str) -> Any:
    """The stage that compares a question's challenger with its champion."""

    def judge(url: str, night: Night) -> Counts:
        from ml import retrain
        from ml.registry.contest import judge_challenger

        log.info("%s", judge_challenger(url, retrain.QUESTIONS[question], night.as_of_date, night.run_id).line)
        return Counts(rows_out=1)

    doc = (
        f"Back-tests challenger and champion for {question} on the same dates, promotes the challenger if it is no"
        " worse within the limits of `ml.promotion`, and writes down why (`ml.model_events`)."
    )
    return stage(f"judge_{question}", doc, role=Role.ML, is_alone=False)(judge)
