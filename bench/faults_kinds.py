"""What goes wrong in a night: each fault strikes a running night once, and says where it struck."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

from bench.night import Bench
from kehu.local.postgres import Server, ServerError, ensure_server

RESTART_SECONDS = 60


class Night(Protocol):
    """A night that is running: a process, or a scheduler's run."""

    def poll(self) -> int | None:
        """None while it runs."""


@dataclass
class Strike:
    """A running night, and the moment at which something happens to it."""

    bench: Bench
    process: Night
    stage: str
    share: float
    seconds: float
    newest: int

    def wait(self) -> bool:
        """Wait for the moment: a share of the stage's usual time after it began. False if the night ended before."""
        query = "select exists (select from ops.stage_runs where run_id > %s and stage = %s)"
        with psycopg.connect(self.bench.url, autocommit=True) as connection:
            while connection.execute(query, [self.newest, self.stage]).fetchone() != (True,):
                if self.process.poll() is not None:
                    return False
                time.sleep(0.02)
        time.sleep(self.share * self.seconds)
        return self.process.poll() is None


def kill_task(strike: Strike) -> None:
    """SIGKILL for the process that runs the tasks, with dbt, Python and Airflow in it."""
    assert isinstance(strike.process, subprocess.Popen)
    family = [psutil.Process(strike.process.pid), *psutil.Process(strike.process.pid).children(recursive=True)]
    for one in family:
        one.kill()


def kill_postmaster(strike: Strike) -> None:
    """SIGKILL for the server's first process; started again after up to two seconds, like a supervisor would."""
    server = strike.bench.databases.server
    assert server is not None
    pid = int((Path(server.data_dir) / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    time.sleep(random.Random(strike.seconds).uniform(0, 2))
    start_again(strike.bench)


def start_again(bench: Bench) -> Server:
    """Start the server; the processes of the killed one may hold its memory for a moment."""
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        try:
            return ensure_server(bench.home)
        except ServerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def lose_connections(strike: Strike) -> None:
    """All of the night's connections to the warehouse are ended, as when a network fails."""
    query = """
        select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and application_name <> 'reader'
    """
    with psycopg.connect(strike.bench.url) as connection:
        connection.execute(query)


def fill_disk(strike: Strike) -> None:
    """The disk is full for twenty seconds, or until the night has ended."""
    folder = strike.bench.home.root
    ballast = folder / "ballast"
    deadline = time.monotonic() + 20
    try:
        while time.monotonic() < deadline and strike.process.poll() is None:
            with ballast.open("ab", buffering=0) as stream:
                _fill(stream, folder)
            time.sleep(0.05)
    finally:
        ballast.unlink(missing_ok=True)
    start_again(strike.bench)


def _fill(stream, folder: Path) -> None:
    while (free := shutil.disk_usage(folder).free) > 0:
        try:
            stream.write(b"\0" * min(free, 1 << 24))
        except OSError:
            return


KINDS: dict[str, Callable[[Strike], None]] = {
    "task": kill_task,
    "dbt": kill_task,
    "postmaster": kill_postmaster,
    "connection": lose_connections,
    "disk": fill_disk,
}
