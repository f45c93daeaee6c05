"""Run nights on one machine: one in Airflow's own process, a range through Airflow's own backfill."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import httpx
import psycopg
from rich.console import Console

from kehu.local.environment import Databases
from kehu.local.home import Home
from kehu.local.progress import Progress
from kehu.local.services import Services, running, start_services, stop_services, wait_for_dag
from kehu.warehouse import runs

DAG_ID = "nightly"
POLL_SECONDS = 0.5
NIGHT_LOCK = 0x6E696768


class NightError(RuntimeError):
    """A night did not end well; the message says whether it was published."""


def night_command(day: date) -> list[str]:
    """The command that runs one night in Airflow's own process."""
    return [sys.executable, "-m", "kehu.airflow.inprocess", DAG_ID, day.isoformat()]


@contextmanager
def one_at_a_time(url: str) -> Iterator[None]:
    """Hold the installation's night lock; the server frees it when the process ends, however it ends.

    Raises
    ------
    NightError
        If another `kehu run` holds it.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("select pg_try_advisory_lock(%s)", [NIGHT_LOCK]).fetchone() != (True,):
            raise NightError("another night is running in this warehouse: wait for it to end")
        yield


def run_night(home: Home, databases: Databases, environment: dict[str, str], day: date, console: Console) -> int:
    """Run the DAG for one day by `dag.test()` (`airflow dags test`), showing its stages; return the run's number.

    Raises
    ------
    NightError
        If the run failed, or if a scheduler with the DAG switched on would run the same tasks a second time.
    """
    services = running(home)
    if services and not _is_paused(services):
        raise NightError("the DAG is switched on in the running scheduler: trigger it there, or `make stop` first")
    progress = Progress(databases.warehouse, console)
    log = home.logs / f"nightly_{day}.log"
    # Fewer than Airflow's own lines would hide why a task could not start; they go to a file, not the terminal.
    with log.open("w") as stream, console.status("starting Airflow") as status:
        process = subprocess.Popen(
            night_command(day), env=environment, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL
        )
        try:
            while process.poll() is None:
                status.update(progress.update())
                time.sleep(POLL_SECONDS)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        progress.update()
    progress.table()
    run_id = progress.last_run()
    if process.returncode != 0 or run_id is None:
        reasons = progress.errors() or [f"Airflow ended with {process.returncode} before the first stage"]
        shown = runs.published_night(databases.warehouse)
        state = (
            "The night is published; what failed comes after it."
            if shown and shown.run_id == run_id
            else "The published marts are as they were."
        )
        raise NightError(f"{reasons[-1]}\n{state} Log: {log}")
    return run_id


def backfill(
    home: Home, databases: Databases, environment: dict[str, str], first: date, last: date, console: Console
) -> int:
    """Run a range of nights, oldest first, by Airflow's backfill under its scheduler; return the last run's number.

    Raises
    ------
    NightError
        If any night of the range failed.
    """
    was_running = running(home) is not None
    progress = Progress(databases.warehouse, console)
    with console.status("starting Airflow's scheduler") as status:
        services = start_services(home, environment)
        try:
            wait_for_dag(services, DAG_ID)
            with services.client() as client:
                failed = _backfill(client, first, last, progress, status)
        finally:
            if not was_running:
                stop_services(home)
    progress.table()
    run_id = progress.last_run()
    if failed or run_id is None:
        reasons = progress.errors() or ["see the task logs"]
        raise NightError(f"{failed or 'no'} night failed: {reasons[-1]}\nLogs: {home.logs}")
    return run_id


def _backfill(client: httpx.Client, first: date, last: date, progress: Progress, status: object) -> int:
    """Create the backfill, wait for its end; return how many of its nights did not succeed."""
    was_paused = client.get(f"/dags/{DAG_ID}").raise_for_status().json()["is_paused"]
    backfill_id = None
    client.patch(f"/dags/{DAG_ID}", json={"is_paused": False}).raise_for_status()
    try:
        answer = client.post(
            "/backfills",
            json={
                "dag_id": DAG_ID,
                "from_date": f"{first}T00:00:00Z",
                "to_date": f"{last}T00:00:00Z",
                "reprocess_behavior": "completed",
                "max_active_runs": 1,
            },
        )
        if answer.is_error:
            raise NightError(f"Airflow refused the backfill: {answer.text}")
        backfill_id = answer.json()["id"]
        while client.get(f"/backfills/{backfill_id}").raise_for_status().json()["completed_at"] is None:
            status.update(progress.update())  # type: ignore[attr-defined]
            time.sleep(POLL_SECONDS)
        progress.update()
    finally:
        if backfill_id is not None:
            # Does nothing to one that is complete; an interrupted one would block every later backfill.
            client.put(f"/backfills/{backfill_id}/cancel")
        client.patch(f"/dags/{DAG_ID}", json={"is_paused": was_paused}).raise_for_status()
    return (last - first).days + 1 - len(runs.nights_published_since(progress.url, progress.first_run))


def _is_paused(services: Services) -> bool:
    with services.client() as client:
        answer = client.get(f"/dags/{DAG_ID}")
    return answer.status_code == httpx.codes.NOT_FOUND or bool(answer.raise_for_status().json()["is_paused"])
