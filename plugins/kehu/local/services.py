"""Airflow's processes on one machine: started in the background, known by their id, stopped one by one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from kehu.local.home import Home
from kehu.local.ports import free_port
from kehu.sources.config import load

COMPONENTS = ("api-server", "dag-processor", "scheduler", "triggerer")
PREFERRED_PORT = 8080
START_SECONDS = 180


class ServiceError(RuntimeError):
    """An Airflow process did not come up; the message names its log."""


@dataclass(frozen=True)
class Services:
    """Where Airflow's API and pages answer."""

    port: int
    password: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        """A client for the REST API, signed in as the local administrator."""
        answer = httpx.post(
            f"{self.url}/auth/token", json={"username": "admin", "password": self.password}, timeout=60
        ).raise_for_status()
        token = answer.json()["access_token"]
        return httpx.Client(base_url=f"{self.url}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def running(home: Home) -> Services | None:
    """The services of this installation, if all of them run."""
    if all(process_of(home, name) for name in COMPONENTS):
        return Services(json.loads((home.pids / "port.json").read_text()), home.secrets()["ui_password"])
    return None


def start_services(home: Home, environment: dict[str, str]) -> Services:
    """Start what does not run yet and wait until the API and the scheduler are healthy."""
    present = running(home)
    if present:
        return present
    port = _port(home)
    environment = {
        **environment,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
    }
    for name in COMPONENTS:
        if process_of(home, name) is None:
            _start(home, name, environment)
    services = Services(port, home.secrets()["ui_password"])
    try:
        _wait_until_healthy(services)
    except (httpx.HTTPError, ServiceError):
        stop_services(home)
        raise ServiceError(f"Airflow was not healthy after {START_SECONDS} s, see {home.logs}/airflow-*.log") from None
    _make_pools(services)
    return services


def _port(home: Home) -> int:
    """The port of the API: the one where it answers already, else a free one."""
    kept = home.pids / "port.json"
    if process_of(home, "api-server") is None:
        kept.write_text(json.dumps(free_port(PREFERRED_PORT)))
    return int(json.loads(kept.read_text()))


def _make_pools(services: Services) -> None:
    """Each source's ingest waits for a slot of its own pool; without the pool it would wait for ever."""
    with services.client() as client:
        for name, pool in load().pools().items():
            answer = client.post("/pools", json={"name": name, **pool})
            if answer.status_code == httpx.codes.CONFLICT:
                answer = client.patch(f"/pools/{name}", json={"pool": name, **pool})
            answer.raise_for_status()


def stop_services(home: Home) -> list[str]:
    """Stop the processes this installation started; return their names."""
    stopped = []
    for name in reversed(COMPONENTS):
        process = process_of(home, name)
        if process is not None:
            _stop(process)
            stopped.append(name)
        _pid_file(home, name).unlink(missing_ok=True)
    return stopped


def _pid_file(home: Home, name: str) -> Path:
    return home.pids / f"{name}.json"


def process_of(home: Home, name: str) -> psutil.Process | None:
    """The process of a component, if it is still the one that was started (ids are used again)."""
    try:
        kept = json.loads(_pid_file(home, name).read_text())
        process = psutil.Process(kept["pid"])
        is_same = process.create_time() == kept["create_time"] and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return process if is_same else None


def _start(home: Home, name: str, environment: dict[str, str]) -> None:
    with (home.logs / f"airflow-{name}.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", name],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    kept = {"pid": process.pid, "create_time": psutil.Process(process.pid).create_time()}
    _pid_file(home, name).write_text(json.dumps(kept))


def _stop(process: psutil.Process) -> None:
    # SIGINT first: Airflow ends its own children on it. Whatever is left of the tree is ended after it.
    family = [process, *process.children(recursive=True)]
    process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(family, timeout=20)
    for left in alive:
        left.terminate()
    _, alive = psutil.wait_procs(alive, timeout=10)
    for left in alive:
        left.kill()


@retry(
    retry=retry_if_exception_type((httpx.HTTPError, ServiceError)),
    stop=stop_after_delay(START_SECONDS),
    wait=wait_fixed(1),
    reraise=True,
)
def _wait_until_healthy(services: Services) -> None:
    health = httpx.get(f"{services.url}/api/v2/monitor/health", timeout=10).raise_for_status().json()
    ill = [name for name in ("scheduler", "dag_processor") if health[name]["status"] != "healthy"]
    if ill:
        raise ServiceError(f"{', '.join(ill)} not healthy yet")


def wait_for_dag(services: Services, dag_id: str, seconds: float = 120) -> None:
    """Wait until the DAG processor has read a DAG."""
    deadline = time.monotonic() + seconds
    with services.client() as client:
        while client.get(f"/dags/{dag_id}").status_code != httpx.codes.OK:
            if time.monotonic() > deadline:
                raise ServiceError(f"DAG {dag_id} did not appear within {seconds:.0f} s")
            time.sleep(1)
