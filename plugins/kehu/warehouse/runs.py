"""The run store: which nights ran, which stage is where, how many rows each moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

WORK_LOCK = 0x6B776F72
WORK_PATIENCE = "10min"


@dataclass(frozen=True)
class Night:
    """One run of the pipeline: its number and the last day whose data it knows."""

    run_id: int
    as_of_date: date

    @property
    def schema(self) -> str:
        """The schema dbt builds this night's marts in."""
        return f"run_{self.run_id}"


@dataclass(frozen=True)
class Stage:
    """One stage of a run, as recorded."""

    stage: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    rows_in: int | None
    rows_out: int | None
    quarantined: int | None
    error: str | None

    @property
    def seconds(self) -> float | None:
        """Seconds from start to end; None while the stage runs."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None


@dataclass(frozen=True)
class Counts:
    """What a stage moved. `None` means that the word does not fit the stage."""

    rows_in: int | None = None
    rows_out: int | None = None
    quarantined: int | None = None


def open_night(url: str, as_of_date: date, airflow_run_id: str) -> Night:
    """Register a new run for a night; every attempt at a whole night gets a number of its own.

    It waits for stages of other runs to end (`working`); after that they find themselves superseded.

    Raises
    ------
    psycopg.errors.LockNotAvailable
        If one works on for as long as `WORK_PATIENCE`.
    """
    with psycopg.connect(url) as connection:
        connection.execute("select set_config('lock_timeout', %s, true)", [WORK_PATIENCE])
        connection.execute("select pg_advisory_xact_lock(%s)", [WORK_LOCK])
        row = connection.execute(
            "insert into ops.runs (as_of_date, airflow_run_id) values (%s, %s) returning run_id",
            [as_of_date, airflow_run_id],
        ).fetchone()
    assert row is not None
    return Night(row[0], as_of_date)


@contextmanager
def working(url: str) -> Iterator[None]:
    """While a stage writes: no other run is opened. The server ends it with the process, however that ends."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock_shared(%s)", [WORK_LOCK])
        yield


def night_of(url: str, run_id: int) -> Night:
    """The night a run builds."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select as_of_date from ops.runs where run_id = %s", [run_id]).fetchone()
    if row is None:
        raise LookupError(f"there is no run {run_id}")
    return Night(run_id, row[0])


def status(url: str, night: Night) -> str:
    """`open`, `attached`, `published` or `retired`."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select status from ops.runs where run_id = %s", [night.run_id]).fetchone()
    return str(row[0]) if row else "unknown"


def stage_started(url: str, run_id: int, stage: str) -> None:
    """Record that a stage begins (again)."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            insert into ops.stage_runs (run_id, stage, state, started_at)
            values (%s, %s, 'running', clock_timestamp())
            on conflict (run_id, stage) do update set
                state = 'running', tries = stage_runs.tries + 1, started_at = clock_timestamp(), finished_at = null,
                rows_in = null, rows_out = null, quarantined = null, error = null
            """,
            [run_id, stage],
        )


def stage_finished(url: str, run_id: int, stage: str, counts: Counts, error: str | None = None) -> None:
    """Record how a stage ended; `error` is one line that names what went wrong."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            update ops.stage_runs set
                state = %s, finished_at = clock_timestamp(),
                rows_in = %s, rows_out = %s, quarantined = %s, error = %s
            where run_id = %s and stage = %s
            """,
            [
                "failed" if error else "success",
                counts.rows_in,
                counts.rows_out,
                counts.quarantined,
                error,
                run_id,
                stage,
            ],
        )


def stages(url: str, run_id: int) -> list[Stage]:
    """The recorded stages of a run, in the order they began."""
    query = """
        select stage, state, started_at, finished_at, rows_in, rows_out, quarantined, error
        from ops.stage_runs where run_id = %s order by started_at
    """
    with psycopg.connect(url) as connection, connection.cursor(row_factory=class_row(Stage)) as cursor:
        return cursor.execute(query, [run_id]).fetchall()


def never_ended(url: str, airflow_run_id: str, by: datetime | None = None) -> list[tuple[str, date, int]]:
    """Stages of the newest run of one Airflow run that began, `by` a moment, and did not end: stage, night, tries."""
    query = """
        select stages.stage, runs.as_of_date, stages.tries
        from ops.stage_runs as stages inner join ops.runs as runs on stages.run_id = runs.run_id
        where
            stages.state = 'running'
            and runs.run_id = (select max(run_id) from ops.runs where airflow_run_id = %s)
            and stages.started_at <= coalesce(%s, 'infinity'::timestamptz)
        order by stages.started_at
    """
    with psycopg.connect(url) as connection:
        return connection.execute(query, [airflow_run_id, by]).fetchall()


def newest_run_id(url: str) -> int:
    """The number of the newest run, 0 before the first."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select coalesce(max(run_id), 0) from ops.runs").fetchone()
    assert row is not None
    return int(row[0])


def published_night(url: str) -> Night | None:
    """The night that readers see, None before the first."""
    query = "select run_id, as_of_date from ops.published_run"
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return Night(*row) if row else None


def nights_published_since(url: str, run_id: int) -> set[date]:
    """The days whose nights were published by runs opened after `run_id`, also where their runs are retired by now."""
    query = """
        select distinct runs.as_of_date
        from store.publication_log as log inner join ops.runs as runs on log.run_id = runs.run_id
        where runs.run_id > %s
    """
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute(query, [run_id]).fetchall()}


def runs_since(url: str, run_id: int) -> list[dict[str, Any]]:
    """Runs opened after `run_id`: number, night and status, oldest first."""
    query = "select run_id, as_of_date, status from ops.runs where run_id > %s order by run_id"
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [run_id]).fetchall()
    return [{"run_id": r[0], "as_of_date": r[1], "status": r[2]} for r in rows]


def last_finished(url: str, run_id: int, before: str) -> datetime | None:
    """When the newest other stage of the run ended: a later result of stage `before` knows all its inputs."""
    query = "select max(finished_at) from ops.stage_runs where run_id = %s and stage <> %s"
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [run_id, before]).fetchone()
    return row[0] if row else None


def rows_out(url: str, run_id: int, stages: Sequence[str]) -> int:
    """Rows that these stages of a run wrote, added up."""
    query = "select coalesce(sum(rows_out), 0) from ops.stage_runs where run_id = %s and stage = any(%s)"
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [run_id, list(stages)]).fetchone()
    assert row is not None
    return int(row[0])
