"""Bring a local installation to the state a night needs; a second call finds nothing to do."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from kehu.local.environment import Databases, airflow_environment, with_database
from kehu.local.home import Home, write_private
from kehu.warehouse.migrate import migrate
from kehu.warehouse.roles import let_log_in

ROOM = 2**20  # bytes; with fewer, a log ends where the disk did
OLDEST_SERVER = 16  # has pg_input_is_valid


class SetupError(RuntimeError):
    """A set-up step failed; the message names the step and its log."""


def prepare(home: Home) -> tuple[Databases, dict[str, str]]:
    """Start the server, create both databases, apply the warehouse's and Airflow's migrations.

    Returns the databases and the environment for Airflow's processes.

    Raises
    ------
    SetupError
        If the server is too old, or Airflow's migrations fail.
    """
    home.create()
    secrets = home.secrets()
    databases = Databases.ensure(home)
    _require_version(databases.warehouse)
    for url in (databases.warehouse, databases.airflow):
        _create_database(url)
    migrate(databases.warehouse)
    if databases.server is not None:
        let_log_in(databases.warehouse, "night", secrets["night_password"])
        let_log_in(databases.warehouse, "bi_reader", secrets["bi_reader_password"])
        _write_pgpass(home, databases, secrets)
    write_private(home.root / "ui_passwords.json", json.dumps({"admin": secrets["ui_password"]}))
    environment = airflow_environment(home, databases)
    _migrate_airflow(home, environment)
    return databases, environment


def _require_version(url: str) -> None:
    with psycopg.connect(with_database(url, "postgres")) as connection:
        found = connection.info.server_version // 10_000
    if found < OLDEST_SERVER:
        raise SetupError(f"the warehouse's server is PostgreSQL {found}: {OLDEST_SERVER} or newer is needed")


def _create_database(url: str) -> None:
    name = url.rsplit("/", 1)[1].split("?")[0]
    with psycopg.connect(with_database(url, "postgres"), autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def _write_pgpass(home: Home, databases: Databases, secrets: dict[str, str]) -> None:
    assert databases.server is not None
    line = f"127.0.0.1:{databases.server.port}:warehouse:bi_reader:{secrets['bi_reader_password']}\n"
    write_private(home.root / "pgpass", line)


def _migrate_airflow(home: Home, environment: dict[str, str]) -> None:
    """`airflow db migrate`, skipped when this Airflow version has already migrated this database."""
    marker = home.root / "airflow_version"
    current = f"{importlib.metadata.version('apache-airflow')} {environment['AIRFLOW__DATABASE__SQL_ALCHEMY_CONN']}"
    fingerprint = hashlib.sha256(current.encode()).hexdigest()
    if marker.exists() and marker.read_text() == fingerprint:
        return
    log = home.logs / "airflow-db-migrate.log"
    with log.open("w") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=environment,
            stdout=stream,
            stderr=stream,
            check=False,
        )
    if done.returncode != 0:
        raise SetupError(f"airflow db migrate failed: {_reason(log)} (all of it: {log})")
    marker.write_text(fingerprint)


def _reason(log: Path) -> str:
    """Why a program that wrote this log failed: its last line, unless there was no room for one."""
    if shutil.disk_usage(log.parent).free < ROOM:
        return f"No space left on device: {log.parent}"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
