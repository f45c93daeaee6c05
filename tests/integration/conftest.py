"""Installations as a user has them: the `kehu` command in processes of its own, a home and a server per folder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from kehu.local.home import Home
from kehu.local.postgres import ensure_server, remove_server
from kehu.local.services import stop_services
from kehu.paths import PROJECT
from kehu.warehouse.fingerprint import fingerprint


@dataclass
class Installation:
    """A home folder and the sources it reads."""

    home: Home
    sources: Path

    def kehu(self, *words: str, timeout: float = 800) -> subprocess.CompletedProcess:
        environment = {
            **os.environ,
            "KEHU_HOME": str(self.home.root),
            "KEHU_SOURCES": str(self.sources),
            "COLUMNS": "160",
        }
        return subprocess.run(
            [sys.executable, "-m", "kehu.cli", *words],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def night(self, day: object) -> subprocess.CompletedProcess:
        done = self.kehu("run", "--as-of", str(day))
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def url(self) -> str:
        return ensure_server(self.home).dsn(self.home.secrets()["postgres_password"], "warehouse")

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def fingerprint(self) -> dict[str, str]:
        return fingerprint(self.url)

    def report(self) -> Path:
        (row,) = self.rows("select run_id, as_of_date from ops.published_run")
        return self.home.reports / f"nightly_{row[1]}_run_{row[0]}.html"

    def remove(self) -> None:
        stop_services(self.home)
        remove_server(self.home)


@pytest.fixture
def installation(tmp_path, shop):
    """A fresh installation on the small shop."""
    made = Installation(Home(tmp_path / "home").create(), shop.sources)
    yield made
    made.remove()


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """An installation that has run the newest night of the shipped sample once."""
    made = Installation(Home(tmp_path_factory.mktemp("sample") / "home").create(), PROJECT / "sources.yml")
    made.first_output = made.night("2011-12-09").stdout  # type: ignore[attr-defined]
    yield made
    made.remove()
