"""One embedded server for the session, a fresh migrated database per test that asks, small shops on disk."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import psycopg
import pytest

from kehu.local.environment import with_database
from kehu.local.home import Home
from kehu.local.postgres import ensure_server, remove_server
from kehu.warehouse.migrate import migrate
from tests.parsing import project_read_once
from tests.shops import SmallShop

# The tests' own installation: nothing of the developer's is read or written.
for name in ("KEHU_WAREHOUSE_URL", "KEHU_AIRFLOW_URL", "KEHU_SOURCES", "KEHU_HOME"):
    os.environ.pop(name, None)
COUNTER = itertools.count()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: packed content holds its clock, and workers must find the same tests."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory):
    """An installation of its own, removed at the end with all it started."""
    folder = tmp_path_factory.mktemp("kehu") / "home"
    os.environ["KEHU_HOME"] = str(folder)
    home = Home.from_environment().create()
    yield home
    from kehu.local.services import stop_services

    stop_services(home)
    remove_server(home)


@pytest.fixture(scope="session")
def project_reading(tmp_path_factory: pytest.TempPathFactory):
    """Builds in this process do not read the whole dbt project again and again."""
    with project_read_once(tmp_path_factory.mktemp("reading")):
        yield


@pytest.fixture(scope="session")
def server_url(home: Home, project_reading: None) -> str:
    """A URL of the session's server."""
    return ensure_server(home).dsn(home.secrets()["postgres_password"], "postgres")


@pytest.fixture
def url(server_url: str) -> str:
    """A fresh, migrated warehouse."""
    name = f"test_{next(COUNTER)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    url = with_database(server_url, name)
    migrate(url)
    return url


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    """A small shop of 30 days and 80 customers."""
    return SmallShop(tmp_path / "shop").write()
