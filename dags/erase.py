"""Each evening: people who asked for it are forgotten everywhere; the night then works out everything without them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow.sdk import CronTriggerTimetable, dag

from kehu.airflow import erase as stages
from kehu.airflow.tags import Tag


@dag(
    dag_id="erase",
    schedule=CronTriggerTimetable("0 22 * * *", timezone="UTC"),
    start_date=datetime(2010, 12, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=[Tag.PRIVACY, Tag.WAREHOUSE],
    default_args={
        "owner": "data team",
        "retries": 1,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=2),
    },
    doc_md="""
### What it does
Erases the customers of `ops.erasure_requests` (`make erase`) from raw tables, identity, history, marts, scores,
journals, logs and reports; writes a receipt into `ops.erasures` after a scan of everything found nothing left. The next
night works out all marts without them (docs/privacy.md).

### When it fails
Nothing was erased: all of it is one transaction. The message names the places where a value would be left, or says that
a night is at work: clear the task when it has ended. Only where it says "erased all but" others are erased: some
requests mean nobody or several people by now.

### Who owns it
The data team.
""",
)
def erase() -> None:
    stages.erase_requested_task()


erase()
