"""A stage is an Airflow task that records when it ran, what it moved and, in one line, why it failed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from airflow.sdk import BaseHook, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from kehu.warehouse.runs import Counts, Night, newest_run_id, open_night, stage_finished, stage_started

CONNECTION_ID = "warehouse"
log = logging.getLogger(__name__)
Work = Callable[[str, Night], Counts]


class StageError(RuntimeError):
    """A stage failed in a way that another try may mend."""


def warehouse_url() -> str:
    """The libpq URI of the Airflow connection `warehouse` (with its password: never log it)."""
    connection = BaseHook.get_connection(CONNECTION_ID)
    return connection.get_uri().replace("postgres://", "postgresql://", 1)


def as_of_date(context: Any) -> date:
    """The night a run builds: its parameter `as_of`, else the last day that was over at its logical date.

    Scheduled runs and backfills have the midnight at which their day begins as logical date; a run triggered by hand
    has a time of day, and its own day is not over.
    """
    wanted = (context.get("params") or {}).get("as_of")
    if wanted:
        return date.fromisoformat(str(wanted))
    run = context["dag_run"]
    if run.logical_date is None:
        return (run.run_after - timedelta(days=1)).date()
    moment: datetime = run.logical_date
    is_midnight = moment.time() == time(0)
    return (moment if is_midnight else moment - timedelta(days=1)).date()


@task(
    task_id="open_night", doc_md="Registers the run and the night it builds; every later stage works under its number."
)
def open_night_task() -> dict[str, Any]:
    """Open a run in the run store; only its number and date travel on between tasks."""
    context = get_current_context()
    night = open_night(warehouse_url(), as_of_date(context), context["dag_run"].run_id)
    log.info("run %s builds the night of %s", night.run_id, night.as_of_date)
    return {"run_id": night.run_id, "as_of_date": night.as_of_date.isoformat()}


Errors = Callable[[], tuple[type[Exception], ...]]


def stage(
    name: str, doc: str, final_errors: Errors | None = None, passing_errors: Errors | None = None, **options: Any
) -> Any:
    """Turn `work(url, night) -> Counts` into an Airflow task called `name`.

    `final_errors` returns, when asked inside the task, the errors that a retry cannot mend; `passing_errors` those of
    their kinds that it may mend all the same.
    """

    def decorate(work: Work) -> Any:
        @task(task_id=name, doc_md=doc, **options)
        def run(night: dict[str, Any] | None) -> None:
            if night is None:
                raise AirflowFailException("no night was opened: see open_night")
            url = warehouse_url()
            this = Night(night["run_id"], date.fromisoformat(night["as_of_date"]))
            newest = newest_run_id(url)
            if newest > this.run_id:
                # Later runs rebuild the tables that runs share: going on would publish a mixture.
                raise AirflowFailException(f"run {this.run_id} is superseded by run {newest}: rerun it from open_night")
            stage_started(url, this.run_id, name)
            try:
                counts = work(url, this)
            except Exception as error:
                line = one_line(error)
                stage_finished(url, this.run_id, name, Counts(), line)
                is_final = final_errors is not None and isinstance(error, final_errors())
                if passing_errors is not None and isinstance(error, passing_errors()):
                    is_final = False
                # A fresh exception: the original's further lines may quote rows, and Airflow logs all of them.
                raise (AirflowFailException if is_final else StageError)(line) from None
            except BaseException:
                stage_finished(url, this.run_id, name, Counts(), "stopped from outside (time-out or signal)")
                raise
            stage_finished(url, this.run_id, name, counts)

        return run

    return decorate


def one_line(error: Exception) -> str:
    """The first line of an error; further lines (a driver's DETAIL) may quote rows."""
    text = str(error).strip().splitlines()
    return f"{text[0] if text else ''}".strip() or type(error).__name__
