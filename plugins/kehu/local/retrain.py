"""Run the weekly DAG once on one machine, and tell what became of each model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import date

import psycopg

from kehu.local.home import Home

DAG_ID = "retrain"
EVENTS = """
select question, event, model_version, reasons from ml.model_events where event_id > %s order by event_id
"""
CHAMPIONS = "select question, model_version, as_of_date from ml.model_statuses where status = 'champion' order by 1"


class RetrainError(RuntimeError):
    """The DAG failed; the message names its log."""


@dataclass(frozen=True)
class Told:
    """What a run of the DAG did, one line each, and whether all of it ended well."""

    lines: list[str]
    is_complete: bool


def retrain(url: str, home: Home, environment: dict[str, str], day: date) -> Told:
    """Run the DAG in Airflow's own process; what was promoted or rejected, and who scores from now on.

    Raises
    ------
    RetrainError
        If it failed before any model was trained.
    """
    before = _newest_event(url)
    log = home.logs / f"retrain_{day}.log"
    with log.open("w") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "kehu.airflow.inprocess", DAG_ID, day.isoformat()],
            env=environment,
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    with psycopg.connect(url) as connection:
        events = connection.execute(EVENTS, [before]).fetchall()
        champions = connection.execute(CHAMPIONS).fetchall()
    if done.returncode != 0 and not events:
        raise RetrainError(f"no model was trained. Log: {log}")
    lines = [f"{question}: {event} {version or ''}".rstrip() + _why(why) for question, event, version, why in events]
    lines += [
        f"{question}: {version}, trained on the night of {night}, scores" for question, version, night in champions
    ]
    return Told(lines, done.returncode == 0)


def _newest_event(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select coalesce(max(event_id), 0) from ml.model_events").fetchone()
    return int(row[0]) if row else 0


def _why(reasons: list[str]) -> str:
    return f": {'; '.join(reasons)}" if reasons else ""
