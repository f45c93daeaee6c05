"""One night of the real DAG in an installation of its own: seconds and peak memory per stage and in all."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

import psutil

from kehu.local.environment import Databases
from kehu.local.home import Home
from kehu.local.night import night_command
from kehu.local.postgres import remove_server
from kehu.local.setup import prepare
from kehu.warehouse import runs

MB = 1024 * 1024


@dataclass(frozen=True)
class Bench:
    """An installation to measure in."""

    home: Home
    databases: Databases
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return self.databases.warehouse


@contextmanager
def installation(sources: Path) -> Iterator[Bench]:
    """A fresh installation on a sources' file, removed afterwards."""
    with tempfile.TemporaryDirectory() as folder, installation_in(Path(folder) / "home", sources) as bench:
        yield bench


@contextmanager
def installation_in(folder: Path, sources: Path) -> Iterator[Bench]:
    """An installation in a folder, whose server is removed in the end."""
    os.environ |= {"KEHU_HOME": str(folder), "KEHU_SOURCES": str(sources)}
    home = Home.from_environment()
    try:
        databases, environment = prepare(home)
        yield Bench(home, databases, environment)
    finally:
        remove_server(home)


def measure_night(bench: Bench, day: date) -> dict:
    """Run the night by `airflow dags test`; seconds and peak memory of its process, per stage and in all."""
    newest = runs.newest_run_id(bench.url)
    began = time.monotonic()
    with (bench.home.logs / "bench.log").open("w") as log:
        process = subprocess.Popen(night_command(day), env=bench.environment, stdout=log, stderr=log)
        samples = _sample_memory(process)
        code = process.wait()
    wall = time.monotonic() - began
    if code != 0:
        raise RuntimeError((bench.home.logs / "bench.log").read_text()[-3000:])
    (run,) = runs.runs_since(bench.url, newest)
    stages = runs.stages(bench.url, run["run_id"])
    work = sum(stage.seconds or 0 for stage in stages)
    return {
        "seconds": round(wall, 2),
        "peak_mb": round(max(size for _, size in samples)),
        "orchestration_share": round(1 - work / wall, 3),
        "stages": {stage.stage: _figures(stage, samples) for stage in stages},
    }


def _figures(stage: runs.Stage, samples: list[tuple[datetime, float]]) -> dict:
    assert stage.finished_at is not None
    during = [size for at, size in samples if stage.started_at <= at <= stage.finished_at]
    return {
        "seconds": round(stage.seconds or 0, 2),
        "peak_mb": round(max(during)) if during else None,
        "rows_in": stage.rows_in,
        "rows_out": stage.rows_out,
    }


def _sample_memory(process: subprocess.Popen) -> list[tuple[datetime, float]]:
    """Resident memory (MB) of the process and its children, every 50 ms, in a list that grows while it runs."""
    samples: list[tuple[datetime, float]] = []
    root = psutil.Process(process.pid)

    def watch() -> None:
        while process.poll() is None:
            try:
                family = [root, *root.children(recursive=True)]
                size = sum(member.memory_info().rss for member in family) / MB
            except psutil.NoSuchProcess:
                continue
            samples.append((datetime.now(timezone.utc), size))
            time.sleep(0.05)

    threading.Thread(target=watch, daemon=True).start()
    return samples
