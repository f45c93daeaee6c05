"""The night: from the sources' files to published marts and a report."""

from __future__ import annotations

from datetime import datetime, time, timezone

from airflow.sdk import CronDataIntervalTimetable, Param, TaskGroup, chain, dag

from kehu.airflow import nightly as stages
from kehu.airflow.alerts import on_run_failure, on_task_failure, tell_stale_sources
from kehu.airflow.limits import NIGHT_DEADLINE, done_within
from kehu.airflow.sources import configured, ingest_stage
from kehu.airflow.stages import open_night_task
from kehu.airflow.tags import Tag

UTC = timezone.utc
SOURCES = configured()
LAST_NIGHT = SOURCES.last_night


@dag(
    dag_id="nightly",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2010, 12, 1, tzinfo=UTC),
    end_date=datetime.combine(LAST_NIGHT, time.min, UTC) if LAST_NIGHT else None,
    catchup=False,
    max_active_runs=1,
    tags=[Tag.NIGHTLY, Tag.WAREHOUSE],
    params={
        "as_of": Param(
            None, type=["null", "string"], format="date", description="Last day to include; empty: the run's own day"
        )
    },
    default_args={"owner": "data team", "on_failure_callback": on_task_failure},
    on_failure_callback=on_run_failure,
    deadline=done_within(NIGHT_DEADLINE),
    doc_md="""
### What it does
Builds one night: loads what is new up to the night's day, checks it, builds customer, transaction and score marts in a
schema of their own, audits them, and shows them all at once by moving one pointer. The night's day is the run's
logical date (the day its data interval covers), or the parameter `as_of`. Which records are the same customer is
worked out in between (docs/identity.md).

### When it fails
Readers keep the last published night. The failed task's message names the source, the file, the row and the reason, or
the dbt node or check that failed. Mend the cause and clear the failed task; a dbt stage that broke off resumes. Once
`attach_marts` or a later run has run, clear from `open_night` instead.

### Who owns it
The data team.
""",
)
def nightly() -> None:
    night = open_night_task()
    with TaskGroup("ingest", tooltip="One task per configured source"):
        ingested = [ingest_stage(source)(night) for source in SOURCES]
    with TaskGroup("scores", tooltip="Scores in Python"):
        scored = [
            stages.score_segments(night),
            stages.score_value(night),
            stages.score_churn(night),
            stages.score_feedback(night),
            stages.score_recommendations(night),
        ]
    chain(
        ingested,
        stages.require_sources(night),
        stages.check_raw(night),
        stages.dbt_stage("build_staging")(night),
        stages.normalise_values(night),
        stages.dbt_stage("build_identity")(night),
        stages.identify_customers(night),
        stages.dbt_stage("build_intermediate")(night),
        stages.dbt_stage("build_marts")(night),
        stages.dbt_stage("build_features")(night),
        [*scored, stages.keep_history(night)],
        stages.monitor_models(night),
        stages.dbt_stage("build_candidates")(night),
        stages.keep_lists(night),
        stages.dbt_stage("build_score_marts")(night),
        stages.attach_marts(night),
        stages.check_scores(night),
        stages.publish(night),
        [stages.report(night), tell_stale_sources(night)],
    )


nightly()
