"""A night that is struck, once or again and again, and run until it ends well; and what it leaves, to compare."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO

import psycopg

from bench.faults_kinds import KINDS, Strike, start_again
from bench.faults_readers import read_joined
from bench.faults_scheduler import ScheduledNight, kill_scheduler, scheduler
from bench.night import Bench
from kehu.local.night import night_command
from kehu.warehouse import runs
from kehu.warehouse.fingerprint import fingerprint

TRIES = 4
# A night that has not ended by then never will.
NIGHT_SECONDS = 3600
# What a night leaves behind besides marts, and what must neither be lost nor come twice.
BOOKS = {
    "raw lines": "select count(*), count(distinct (_load_id, _row_number)) from raw_shop.order_lines",
    "accepted loads": "select count(*), count(distinct file_date) from ops.loads where status = 'accepted'",
    "history of customers": "select count(*), count(*) filter (where valid_to is null) from history.customers",
    "assignments": "select count(*), count(distinct record_key) from identity.assignments where valid_to is null",
}


@dataclass(frozen=True)
class Trials:
    """A night to strike: its installation, its stages with their usual seconds, and a log outside the small disk."""

    bench: Bench
    day: date
    log: Path
    dice: random.Random
    stages: dict[str, float]

    def start(self) -> subprocess.Popen:
        """The night's process."""
        return _start(self.bench, self.day, self.log)

    def end_well(self) -> int:
        """Run the night until it ends well; how many runs that took, 0 if it never did."""
        for tries in range(1, TRIES + 1):
            start_again(self.bench)
            if _code(self.start()) == 0:
                return tries
        return 0

    def strike(self, kinds: Sequence[str]) -> dict:
        """Strike the night by one kind after the other, each time in a run anew, until one ends well all the same."""
        strikes = []
        for kind in kinds:
            stage = self._stage(kind)
            process = self.start()
            strike = Strike(self.bench, process, stage, self.dice.random(), self.stages[stage], self._newest())
            told = self.log.stat().st_size
            has_struck = strike.wait()
            if has_struck:
                KINDS[kind](strike)
            code = _code(process)
            if kind == "disk" and not self._says("No space left", told):
                has_struck = False
            strikes.append({"kind": kind, "stage": stage, "share": round(strike.share, 3), "has_struck": has_struck})
            if code == 0:
                break
            start_again(self.bench)
        began = time.monotonic()
        runs_more = 0 if code == 0 else self.end_well()
        seconds = round(time.monotonic() - began, 1)
        return {"strikes": strikes, "rerun_seconds": seconds, "ended_well": code == 0 or runs_more > 0}

    def strike_scheduler(self) -> dict:
        """Strike the scheduler under which the night runs, then wait for the run, or run the night once more."""
        with scheduler(self.bench) as services:
            stage, newest = self._stage("scheduler"), self._newest()
            night = ScheduledNight(services, self.day)
            strike = Strike(self.bench, night, stage, self.dice.random(), self.stages[stage], newest)
            has_struck = strike.wait()
            if has_struck:
                kill_scheduler(strike)
            began = time.monotonic()
            code = night.wait()
            seconds = round(time.monotonic() - began, 1)
        struck = {"kind": "scheduler", "stage": stage, "share": round(strike.share, 3), "has_struck": has_struck}
        ended = {"run_went_on": code == 0, "rerun_seconds": seconds, "ended_well": code == 0 or self.end_well() > 0}
        return {"strikes": [struck]} | ended

    def two_at_once(self) -> dict:
        """`kehu run` twice at the same moment, then two bare runs of the DAG, which no lock of the command parts."""
        command = [sys.executable, "-m", "kehu.cli", "run", "--as-of", str(self.day)]
        told = []
        for line, pause in ((command, 0.0), (night_command(self.day), 4.0)):
            with self.log.open("a") as log:
                both = []
                for _ in range(2):
                    both.append(_popen(line, self.bench, log))
                    time.sleep(pause)
            told.append(sorted(_code(process) for process in both))
        strikes = [{"kind": "two", "kehu run": told[0], "bare runs": told[1], "has_struck": True}]
        return {"strikes": strikes, "ended_well": 0 in told[0] and 0 in told[1]}

    def _stage(self, kind: str) -> str:
        """A stage, the longer the likelier; dbt's own for faults that belong to it."""
        builds = kind in ("dbt", "disk")
        chosen = {name: s for name, s in self.stages.items() if not builds or name.startswith("build_")}
        return self.dice.choices(list(chosen), [0.3 + seconds for seconds in chosen.values()])[0]

    def _newest(self) -> int:
        return runs.newest_run_id(self.bench.url)

    def _says(self, words: str, since: int) -> bool:
        with self.log.open(errors="replace") as log:
            log.seek(since)
            return words in log.read()


def run_well(bench: Bench, day: date, log: Path) -> None:
    """Run a night that nothing strikes.

    Raises
    ------
    RuntimeError
        With the end of the log, if the night failed.
    """
    if _code(_start(bench, day, log)) != 0:
        raise RuntimeError(log.read_text(errors="replace")[-3000:])


def _start(bench: Bench, day: date, log: Path) -> subprocess.Popen:
    with log.open("a") as stream:
        return _popen(night_command(day), bench, stream)


def _popen(command: list[str], bench: Bench, log: TextIO) -> subprocess.Popen:
    return subprocess.Popen(command, env=bench.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _code(process: subprocess.Popen) -> int:
    """The code a night ends with; one that hangs is ended."""
    try:
        return process.wait(NIGHT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def books(url: str) -> dict[str, tuple]:
    """The counts of `BOOKS`."""
    with psycopg.connect(url) as connection:
        return {name: tuple(connection.execute(query).fetchone() or ()) for name, query in BOOKS.items()}


def what_is_there(url: str) -> dict:
    """All that two installations are compared by."""
    with psycopg.connect(url) as connection:
        seen = read_joined(connection)
    return {"marts": fingerprint(url), "books": books(url), "seen": seen}


def differences(expected: dict, found: dict) -> list[str]:
    """The marts, by name, and the books, with both counts, that are not the same."""
    marts, counts = expected["marts"], expected["books"]
    told = [name for name in marts.keys() | found["marts"].keys() if marts.get(name) != found["marts"].get(name)]
    books_ = [f"{name}: {old}, {found['books'][name]}" for name, old in counts.items() if old != found["books"][name]]
    return sorted(told + books_)
