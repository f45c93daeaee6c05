"""A stage is an Airflow task that records when it ran, what it moved and, in one line, why it failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

from airflow.sdk import BaseHook, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from kehu.airflow.limits import LIMITS
from kehu.warehouse.passing import can_pass
from kehu.warehouse.roles import Role, as_role
from kehu.warehouse.runs import Counts, Night, newest_run_id, open_night, stage_finished, stage_started, working

CONNECTION_ID = "warehouse"
OWNER_CONNECTION_ID = "warehouse_owner"
log = logging.getLogger(__name__)
Work = Callable[[str, Night], Counts]


class StageError(RuntimeError):
    """A stage failed in a way that may pass: another try is worth waiting for."""


def warehouse_url(role: Role | None) -> str:
    """The libpq URI of the Airflow connection `warehouse` under a role; None: of `warehouse_owner`, who may do all.

    It holds the password: never log it.
    """
    connection = BaseHook.get_connection(CONNECTION_ID if role else OWNER_CONNECTION_ID)
    url = connection.get_uri().replace("postgres://", "postgresql://", 1)
    return as_role(url, role) if role else url


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
    task_id="open_night",
    doc_md="Registers the run and the night it builds; every later stage works under its number.",
    **LIMITS,
)
def open_night_task() -> dict[str, Any]:
    """Open a run in the run store; only its number and date travel on between tasks."""
    context = get_current_context()
    with retried_if_it_may_pass():
        night = open_night(warehouse_url(Role.LOADER), as_of_date(context), context["dag_run"].run_id)
    log.info("run %s builds the night of %s", night.run_id, night.as_of_date)
    return {"run_id": night.run_id, "as_of_date": night.as_of_date.isoformat()}


def stage(name: str, doc: str, *, role: Role, is_alone: bool = True, **options: Any) -> Any:
    """Turn `work(url, night) -> Counts` into an Airflow task called `name`, whose URL works as `role`.

    It is tried again, with growing pauses, after an error that may pass (`may_pass`); any other fails it at once. How
    often and how long is said in `kehu.airflow.limits`, unless `options` of Airflow's task say otherwise. No other run
    begins while it works, unless `is_alone` is false: for stages that write nothing a night reads.
    """

    def decorate(work: Work) -> Any:
        @task(task_id=name, doc_md=doc, **(LIMITS | options))
        def run(night: dict[str, Any] | None) -> None:
            if night is None:
                raise AirflowFailException("no night was opened: see open_night")
            url = warehouse_url(role)
            this = Night(night["run_id"], date.fromisoformat(night["as_of_date"]))
            with ExitStack() as held:
                with retried_if_it_may_pass():
                    if is_alone:
                        held.enter_context(working(url))
                    newest = newest_run_id(url)
                    if newest <= this.run_id:
                        stage_started(url, this.run_id, name)
                if newest > this.run_id:
                    # Later runs rebuild the tables that runs share: going on would publish a mixture.
                    raise AirflowFailException(
                        f"run {this.run_id} is superseded by run {newest}: rerun it from open_night"
                    )
                _record(url, this, name, work)

        return run

    return decorate


def _record(url: str, night: Night, name: str, work: Work) -> None:
    """Do the work of a stage that has begun, and record how it ended."""
    try:
        counts = work(url, night)
    except Exception as error:
        _note_failure(url, night, name, one_line(error))
        raise _for_airflow(error) from None
    except BaseException:
        _note_failure(url, night, name, "stopped from outside (time-out or signal)")
        raise
    with retried_if_it_may_pass():
        stage_finished(url, night.run_id, name, counts)


@contextmanager
def retried_if_it_may_pass() -> Iterator[None]:
    """Make of what goes wrong inside an error that Airflow tries again, if it may pass, or does not."""
    try:
        yield
    except Exception as error:
        raise _for_airflow(error) from None


def _for_airflow(error: Exception) -> Exception:
    # A fresh exception: the original's further lines may quote rows, and Airflow logs all of them.
    return (StageError if may_pass(error) else AirflowFailException)(one_line(error))


def _note_failure(url: str, night: Night, name: str, line: str) -> None:
    """Record the failure; where the warehouse is what failed, that must not hide why."""
    try:
        stage_finished(url, night.run_id, name, Counts(), line)
    except Exception as error:
        log.warning("the warehouse was not told of the failure: %s", one_line(error))


def may_pass(error: Exception) -> bool:
    """Whether the stage is worth another try: what the error says of itself (`can_pass`), else what it is."""
    told = getattr(error, "can_pass", None)
    return can_pass(error) if told is None else bool(told)


def one_line(error: Exception) -> str:
    """The first line of an error; further lines (a driver's DETAIL) may quote rows."""
    text = str(error).strip().splitlines()
    return f"{text[0] if text else ''}".strip() or type(error).__name__
