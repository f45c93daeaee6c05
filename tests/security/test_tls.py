"""The compose file's databases talk TLS only: its settings and files, on a server of this machine that can."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pytest
import sqlalchemy as sa
import yaml
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.entrypoint import environment
from deploy.make_secrets import TLS, make
from kehu.local.environment import with_login
from kehu.local.ports import free_port
from kehu.local.postgres import NOBODY
from kehu.paths import PROJECT
from kehu.warehouse import dbt

COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))


@pytest.fixture(scope="module")
def deployment():
    """The environment that a container of the deployment has, its databases those of one server with TLS."""
    if not SERVERS:
        pytest.skip("no PostgreSQL with TLS is installed here")
    # PostgreSQL refuses root, and what it reads must be within another user's reach: pytest's own folders are not.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        with serving(Path(folder)) as environment_of_containers:
            yield environment_of_containers


@contextmanager
def serving(folder: Path):
    made, data = folder / "secrets", folder / "data"
    make(made)
    password = (made / "warehouse_password").read_text()
    for name in ("airflow_password", "night_password"):
        (made / name).write_text(password)
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    data.mkdir()
    if user:
        os.chown(data, NOBODY, NOBODY)
    run = {"check": True, "capture_output": True, "cwd": "/", **user}
    shutil.copy(made / "warehouse_password", folder / "password")
    (folder / "password").chmod(0o644)
    subprocess.run(
        [SERVERS[-1] / "initdb", "-D", data, "-U", "kehu", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"],
        **run,
    )
    port = free_port()
    options = " ".join(settings(made, data)) + f" -p {port} -c listen_addresses=localhost -c unix_socket_directories="
    control = [SERVERS[-1] / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*control, "start", "-l", data / "log", "-o", options], **run | {"capture_output": False})
    address = f"kehu@localhost:{port}/postgres"
    given = {"AIRFLOW_HOME": str(folder), "KEHU_WAREHOUSE_ADDRESS": address, "KEHU_AIRFLOW_ADDRESS": address}
    try:
        yield environment(made, given)
    finally:
        subprocess.run([*control, "stop", "-m", "fast"], **run)


def settings(made: Path, data: Path) -> list[str]:
    """The server's command line as compose has it, with files where they lie here."""
    shutil.copy(PROJECT / "deploy" / "pg_hba.conf", data / "hba.conf")
    # What deploy/start_database.sh does.
    for name, mode in (("database_tls_key", 0o600), ("database_tls_certificate", 0o644)):
        shutil.copy(made / name, data / name)
        (data / name).chmod(mode)
        if os.geteuid() == 0:
            os.chown(data / name, NOBODY, NOBODY)
    (data / "hba.conf").chmod(0o644)
    places = {
        "/run/secrets/database_tls_certificate": data / "database_tls_certificate",
        "/var/run/postgresql/server.key": data / "database_tls_key",
        "/etc/kehu/pg_hba.conf": data / "hba.conf",
    }
    words = COMPOSE["services"]["warehouse-db"]["command"]
    for old, new in places.items():
        words = [word.replace(old, str(new)) for word in words]
    assert not [word for word in words if "/run/" in word or "/etc/" in word]
    return words


def owner(deployment, **changed: str) -> str:
    url = deployment["AIRFLOW_CONN_WAREHOUSE_OWNER"]
    for name, value in changed.items():
        url = re.sub(rf"{name}=[^&]*", f"{name}={value}", url)
    return url


def test_every_driver_of_the_deployment_verifies_the_server(deployment):
    query = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"
    with psycopg.connect(owner(deployment)) as connection:
        assert connection.execute(query).fetchone() == (True, "TLSv1.3")
    with adbc.connect(owner(deployment)) as arrow, arrow.cursor() as cursor:
        cursor.execute(query)
        assert cursor.fetchone() == (True, "TLSv1.3")
    for url in (deployment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], owner(deployment).replace("://", "+psycopg2://")):
        with sa.create_engine(url).connect() as connection:
            assert tuple(connection.execute(sa.text(query)).one()) == (True, "TLSv1.3")

    async def ask():
        engine = create_async_engine(deployment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"])
        async with engine.connect() as connection:
            found = tuple((await connection.execute(sa.text(query))).one())
        await engine.dispose()
        return found

    assert asyncio.run(ask()) == (True, "TLSv1.3")


def test_dbt_is_told_of_it(deployment, tmp_path):
    told = dbt.environment(owner(deployment))
    assert (told["PGSSLMODE"], told["PGSSLROOTCERT"]) == (
        "verify-full",
        str(Path(deployment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]).parent / "secrets" / TLS[0]),
    )
    dbt_program = Path(os.sys.executable).parent / "dbt"
    folders = ["--project-dir", str(PROJECT / "dbt_project"), "--profiles-dir", str(PROJECT / "dbt_project")]
    words = ["debug", "--connection", *folders, "--log-path", str(tmp_path)]
    for url, is_good in ((owner(deployment), True), (owner(deployment, sslmode="disable"), False)):
        done = subprocess.run(
            [dbt_program, *words], env={**os.environ, **dbt.environment(url)}, capture_output=True, check=False
        )
        assert (done.returncode == 0) is is_good


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"sslmode": "disable"}, "no pg_hba.conf entry .* no encryption"),
        ({"sslrootcert": "/etc/hostname"}, "root certificate"),
    ],
)
def test_a_client_without_tls_or_with_another_root_is_refused(deployment, changed, why):
    with pytest.raises(psycopg.OperationalError, match=why):
        psycopg.connect(owner(deployment, **changed))


def test_a_server_of_another_name_or_signed_by_another_root_is_refused(deployment, tmp_path):
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        psycopg.connect(owner(deployment).replace("@localhost:", "@localhost.localdomain:") + "&hostaddr=127.0.0.1")
    make(tmp_path / "other")
    with pytest.raises(psycopg.OperationalError, match="SSL error"):
        psycopg.connect(owner(deployment, sslrootcert=str(tmp_path / "other" / "database_tls_root")))


def test_a_wrong_password_is_refused_over_tls_too(deployment):
    url, _, options = owner(deployment).partition("?")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"{with_login(url, 'kehu', 'wrong')}?{options}")


def test_both_databases_and_all_clients_have_what_they_need():
    services = COMPOSE["services"]
    for name in ("warehouse-db", "airflow-db"):
        service = services[name]
        assert service["command"] == services["warehouse-db"]["command"]
        assert set(TLS[1:]) <= set(service["secrets"])
        assert "./deploy/pg_hba.conf:/etc/kehu/pg_hba.conf:ro" in service["volumes"]
    for name in ("migrate", "api-server", "scheduler", "dag-processor", "triggerer"):
        assert TLS[0] in services[name]["secrets"]
        assert TLS[2] not in services[name]["secrets"]
    rules = [line.split()[0] for line in (PROJECT / "deploy/pg_hba.conf").read_text().splitlines() if line[0] != "#"]
    assert rules == ["local", "hostssl"]


def test_the_certificates_files_are_made_together_and_kept(tmp_path):
    first = make(tmp_path / "s", ["db.example.org", "10.0.0.7"])
    assert set(TLS) <= set(first)
    before = {name: (tmp_path / "s" / name).read_text() for name in TLS}
    assert make(tmp_path / "s") == []
    (tmp_path / "s" / TLS[1]).unlink()
    assert make(tmp_path / "s") == list(TLS)
    assert all((tmp_path / "s" / name).read_text() != text for name, text in before.items())
