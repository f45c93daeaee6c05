"""The week: models are trained anew, and take over only if they are no worse."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import CronTriggerTimetable, chain, dag

from kehu.airflow import retrain as stages
from kehu.airflow.alerts import on_task_failure
from kehu.airflow.limits import WEEK_DEADLINE, done_within
from kehu.airflow.tags import Tag


@dag(
    dag_id="retrain",
    schedule=CronTriggerTimetable("0 12 * * 1", timezone="UTC"),
    start_date=datetime(2010, 12, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=[Tag.WEEKLY, Tag.MODELS],
    default_args={"owner": "data team", "on_failure_callback": on_task_failure},
    deadline=done_within(WEEK_DEADLINE),
    doc_md="""
### What it does
Builds the newest published night's features with all training dates. For each question trains a challenger on them,
measures challenger and champion on the same dates, and promotes the challenger if it is no worse within stated limits
(docs/models.md). A promoted model scores from the next night on.

### When it fails
The champion goes on scoring. `marts.fct_model_fits` and the report call the model stale until a training succeeds; the
reason is in `ml.model_events` and in the failed task's message. Mend the cause and clear the failed task. A task that
says it is superseded met a night: trigger the DAG again when that night is published.

### Who owns it
The data team.
""",
)
def retrain() -> None:
    night = stages.newest_night_task()
    built = stages.build_training(night)
    for question in stages.QUESTIONS:
        chain(built, stages.train_stage(question)(night), stages.judge_stage(question)(night))


retrain()
