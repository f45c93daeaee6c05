"""The same DAG under Airflow's scheduler: by its backfill, and by the very commands of the compose file."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml

from deploy.entrypoint import environment as container_environment
from deploy.make_secrets import make
from kehu.local.environment import with_database
from kehu.local.ports import free_port
from kehu.local.postgres import ensure_server
from kehu.local.services import process_of, running
from kehu.paths import PROJECT
from kehu.warehouse.fingerprint import fingerprint
from tests.fakes.post import Webhook, serving
from tests.fakes.server import FakeServer
from tests.fakes.zoho import FakeZoho

pytestmark = pytest.mark.timeout(1500)
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")


def test_backfill_ui_and_stop(installation, shop):
    last = shop.last_day
    done = installation.kehu("ui")
    assert done.returncode == 0, done.stdout + done.stderr
    password = installation.home.secrets()["ui_password"]
    assert password in done.stdout
    services = running(installation.home)
    assert services.url.startswith("http://127.0.0.1:")
    with services.client() as client:  # signs in with the password
        assert client.get("/version").status_code == 200
        assert client.get("/pools/source_shop").json()["slots"] == 1
        _test_connection(client)
        _clear_before_the_deadline(client)
        client.patch("/dags/nightly", json={"is_paused": False}).raise_for_status()
        assert "the DAG is switched on in the running scheduler" in installation.kehu("run").stdout
        client.patch("/dags/nightly", json={"is_paused": True}).raise_for_status()
    assert httpx.post(f"{services.url}/auth/token", json={"username": "admin", "password": "x"}).status_code == 401

    process_of(installation.home, "scheduler").kill()
    assert installation.kehu("ui").returncode == 0
    assert process_of(installation.home, "scheduler")

    done = installation.kehu("run", "--from", str(last - timedelta(days=2)), "--to", str(last))
    assert done.returncode == 0, done.stdout + done.stderr
    published = installation.rows(
        "select runs.as_of_date, runs.airflow_run_id like 'backfill__%' from store.publication_log as log"
        " inner join ops.runs as runs on log.run_id = runs.run_id order by log.publication_id"
    )
    assert published == [(last - timedelta(days=n), True) for n in (2, 1, 0)]
    under_scheduler = installation.fingerprint()

    processes = [p for p in installation.home.pids.glob("*.json") if p.name != "port.json"]
    assert len(processes) == 4
    for file in installation.home.logs.rglob("*"):
        assert not file.is_file() or password not in file.read_text(errors="ignore"), file
    done = installation.kehu("stop")
    assert running(installation.home) is None
    assert all(name in done.stdout for name in (*COMPONENTS, "postgresql"))
    assert not _mentions(str(installation.home.root))

    # In Airflow's own process the same night gives the same bytes.
    installation.night(last)
    assert installation.fingerprint() == under_scheduler
    assert installation.kehu("clean").returncode == 0
    assert not installation.home.root.exists()


def _test_connection(client: httpx.Client) -> None:
    """What the button "Test" of the connection form sends."""
    fake = FakeZoho()
    with FakeServer(fake) as server:
        known = fake.credentials
        form = {"connection_id": "zoho_crm", "conn_type": "zoho_crm", "host": server.url, "login": known.client_id}
        form["extra"] = json.dumps({"refresh_token": known.refresh_token})
        good, wrong = (
            client.post("/connections/test", json={**form, "password": secret}).raise_for_status().json()
            for secret in (known.client_secret, "wrong")
        )
    assert (good["status"], good["message"]) == (True, "Zoho CRM answers: 0 records in Contacts")
    assert (wrong["status"], "client secret is not accepted" in wrong["message"]) == (False, True)


def _clear_before_the_deadline(client: httpx.Client) -> None:
    """A run whose deadline lies ahead can be cleared (it could not with Airflow's own `DAGRUN_QUEUED_AT`)."""
    _until(lambda: client.get("/dags/nightly").status_code == 200)
    runs = "/dags/nightly/dagRuns"
    run = client.post(runs, json={"logical_date": None, "conf": {}}).raise_for_status().json()["dag_run_id"]
    assert _clear(client, run, "ingest.ingest_shop") > 20
    client.delete(f"{runs}/{run}").raise_for_status()


def _clear(client: httpx.Client, run: str, task: str) -> int:
    """What the page of a task sends for "Clear" with "downstream"; how many tasks it clears."""
    asked = {"dag_run_id": run, "task_ids": [task], "include_downstream": True, "only_failed": False, "dry_run": False}
    answer = client.post("/dags/nightly/clearTaskInstances", json=asked).raise_for_status()
    return len(answer.json()["task_instances"])


def _mentions(text: str) -> list[str]:
    """Processes whose environment names the installation."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                found.append((process / "cmdline").read_text())
        except (OSError, ProcessLookupError):
            continue
    return found


class Deployment:
    """The compose file's services as processes of this machine: same commands, same entry point, other addresses."""

    def __init__(self, installation, secrets: Path, port: int) -> None:
        self.port, self.processes = port, []
        server = ensure_server(installation.home)
        password = installation.home.secrets()["postgres_password"]
        for name in ("warehouse_password", "airflow_password"):
            (secrets / name).write_text(password)
        self.url = server.dsn(password, "compose_warehouse")
        with psycopg.connect(with_database(self.url, "postgres"), autocommit=True) as connection:
            for database in ("compose_warehouse", "compose_airflow"):
                connection.execute(f"create database {database}")
        for name in ("airflow", "state"):
            (installation.home.root / f"compose_{name}").mkdir()
        common = COMPOSE["services"]["scheduler"]["environment"]
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("KEHU", "AIRFLOW"))},
            **_image_environment(),
            **common,
            "KEHU_SECRETS": str(secrets),
            "KEHU_DATABASE_SSLMODE": "prefer",  # the embedded server is built without TLS: tests/security/test_tls.py
            "KEHU_WAREHOUSE_ADDRESS": f"kehu@127.0.0.1:{server.port}/compose_warehouse",
            "KEHU_AIRFLOW_ADDRESS": f"kehu@127.0.0.1:{server.port}/compose_airflow",
            "KEHU_SOURCES": str(installation.sources),
            "KEHU_HOME": str(installation.home.root / "compose_state"),
            "AIRFLOW_HOME": str(installation.home.root / "compose_airflow"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self.logs = installation.home.logs

    def command(self, service: str) -> list[str]:
        words = [str(word).replace("/opt/kehu", str(PROJECT)) for word in COMPOSE["services"][service]["command"]]
        words = [word.replace("0.0.0.0", "127.0.0.1").replace("8080", str(self.port)) for word in words]
        return [sys.executable, str(PROJECT / "deploy" / "entrypoint.py"), *words]

    def run(self, command: list[str]) -> None:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, service: str) -> None:
        with (self.logs / f"compose-{service}.log").open("w") as log:
            process = subprocess.Popen(
                self.command(service), env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.processes.append(process)

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGINT)
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _image_environment() -> dict[str, str]:
    """The variables that the Dockerfile sets, less its paths."""
    lines = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    words = [word for line in lines if line.startswith("ENV ") for word in line.split()[1:]]
    pairs = dict(word.split("=", 1) for word in words)
    return {name: value for name, value in pairs.items() if "/opt" not in value and "/var" not in value}


def test_the_compose_commands_run_a_night_under_the_scheduler(installation, shop, tmp_path):
    hook = Webhook()
    shop.replace_bytes(shop.last_day, b"")
    with serving(hook):
        run_a_night(installation, shop, tmp_path / "secrets", hook.url)
    # The deadline was set to three seconds; the night went on. Two tasks failed before the shop's file was mended.
    texts = [body["text"] for body in hook.bodies]
    assert sorted(text.split()[1] for text in texts) == ["ingest.ingest_shop", "nightly", "require_sources"]
    (late,) = [text for text in texts if text.startswith("Kehu: nightly is late\nIt should have been done by 20")]
    assert late.endswith("docs/runbook.md, deadline_missed")


def run_a_night(installation, shop, secrets, webhook):
    make(secrets)
    deployment = Deployment(installation, secrets, free_port())
    deployment.environment |= {
        "AIRFLOW_CONN_ALERT_SLACK": json.dumps({"conn_type": "generic", "password": webhook}),
        "KEHU_NIGHT_DEADLINE_MINUTES": "0.05",
    }
    deployment.run(deployment.command("migrate"))
    deployment.run(deployment.command("migrate"))  # safe to repeat
    try:
        for service in COMPONENTS:
            deployment.start(service)
        base = f"http://127.0.0.1:{deployment.port}"
        _until(lambda: httpx.get(f"{base}/api/v2/monitor/health").json()["scheduler"]["status"] == "healthy")
        login = {"username": "admin", "password": yaml.safe_load((secrets / "ui_passwords").read_text())["admin"]}
        token = httpx.post(f"{base}/auth/token", json=login).raise_for_status().json()["access_token"]
        with httpx.Client(base_url=f"{base}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=60) as api:
            _until(lambda: api.get("/dags/nightly").status_code == 200)
            body = {"logical_date": None, "conf": {"as_of": str(shop.last_day)}}
            run = api.post("/dags/nightly/dagRuns", json=body).raise_for_status().json()["dag_run_id"]
            api.patch("/dags/nightly", json={"is_paused": False}).raise_for_status()
            path = f"/dags/nightly/dagRuns/{run}"
            _until(lambda: api.get(path).json()["state"] == "failed", seconds=120)
            shop.write_day(shop.last_day)
            assert _clear(api, run, "ingest.ingest_shop") > 20
            _until(lambda: api.get(path).json()["state"] in ("success", "failed"), seconds=600)
            states = {
                task["task_id"]: task["state"] for task in api.get(f"{path}/taskInstances").json()["task_instances"]
            }
        assert set(states.values()) == {"success"}, states
        for service in ("scheduler", "dag-processor", "triggerer"):
            check = COMPOSE["services"][service]["healthcheck"]["test"]
            assert check[0] == "CMD"
            words = [word.replace("/opt/kehu", str(PROJECT)) for word in check[1:]]
            deployment.run([sys.executable if word == "python" else word for word in words])
    finally:
        deployment.stop()
    night = str(shop.last_day)
    with psycopg.connect(deployment.url) as connection:
        assert connection.execute("select as_of_date::text from ops.published_run").fetchall() == [(night,)]
    # The deployment's night equals the one of `make run`, byte for byte.
    installation.night(night)
    assert fingerprint(deployment.url) == installation.fingerprint()


def test_secrets_come_from_files_and_are_named_when_missing(tmp_path):
    make(tmp_path / "s")
    given = {"AIRFLOW_HOME": str(tmp_path)}
    made = container_environment(tmp_path / "s", given)
    assert (tmp_path / "s" / "night_password").read_text() in made["AIRFLOW_CONN_WAREHOUSE"]
    assert (tmp_path / "s" / "warehouse_password").read_text() in made["AIRFLOW_CONN_WAREHOUSE_OWNER"]
    assert stat.S_IMODE((tmp_path / "ui_passwords.json").stat().st_mode) == 0o600
    (tmp_path / "s" / "fernet_key").unlink()
    with pytest.raises(SystemExit, match="fernet_key: No such file"):
        container_environment(tmp_path / "s", given)


def test_the_compose_file_keeps_secrets_and_root_out():
    text = (PROJECT / "docker-compose.yml").read_text()
    for name, service in COMPOSE["services"].items():
        plain = [k for k, v in service.get("environment", {}).items() if not str(v).startswith("/run/")]
        assert not [k for k in plain if "PASSWORD" in k or k.endswith("_KEY")]
        assert name == "migrate" or "healthcheck" in service
        assert not any(str(port).startswith("0.0.0.0") or str(port)[0] != "1" for port in service.get("ports", []))
    assert set(COMPONENTS) | {"warehouse-db", "airflow-db"} <= set(COMPOSE["services"])
    assert "USER kehu" in (PROJECT / "Dockerfile").read_text()
    assert "POSTGRES_PASSWORD:" not in text


def _until(is_so, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if is_so():
                return
        except (httpx.HTTPError, KeyError):
            pass
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(1)
