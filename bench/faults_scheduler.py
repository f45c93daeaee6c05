"""Nights under Airflow's scheduler, which is killed while one runs and started again, like a supervisor would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import httpx
import psutil

from bench.faults_kinds import Strike
from bench.night import Bench
from kehu.local.night import DAG_ID
from kehu.local.services import Services, process_of, start_services, stop_services, wait_for_dag

# Airflow takes a task for dead after five minutes without a sign of life; here it does not take as long.
SOONER = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "40",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__WORKERS__TASK_HEARTBEAT_INTERVAL": "5",
}
RUN_SECONDS = 3600


@contextmanager
def scheduler(bench: Bench) -> Iterator[Services]:
    """Airflow's processes, with the DAG switched on."""
    try:
        services = start_services(bench.home, bench.environment | SOONER)
        wait_for_dag(services, DAG_ID)
        with services.client() as client:
            client.patch(f"/dags/{DAG_ID}", json={"is_paused": False}).raise_for_status()
        yield services
    finally:
        stop_services(bench.home)


class ScheduledNight:
    """A run of the DAG that the scheduler works on; answers `poll` and `wait` as a process would."""

    def __init__(self, services: Services, day: date) -> None:
        self.services = services
        body = {"logical_date": None, "conf": {"as_of": day.isoformat()}}
        with services.client() as client:
            answer = client.post(f"/dags/{DAG_ID}/dagRuns", json=body).raise_for_status()
        self.path = f"/dags/{DAG_ID}/dagRuns/{answer.json()['dag_run_id']}"

    def poll(self) -> int | None:
        """None while it runs, 0 after a success, 1 after a failure."""
        try:
            with self.services.client() as client:
                state = client.get(self.path).raise_for_status().json()["state"]
        except httpx.HTTPError:
            return None
        return {"success": 0, "failed": 1}.get(state)

    def wait(self, timeout: float = RUN_SECONDS) -> int:
        """The code of `poll`, once there is one; 1 if there is none in time."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if (code := self.poll()) is not None:
                return code
            time.sleep(2)
        return 1


def kill_scheduler(strike: Strike) -> None:
    """SIGKILL to the scheduler: with its tasks, as a container ends, or alone, so that they go on without it."""
    bench = strike.bench
    one = process_of(bench.home, "scheduler")
    assert one is not None
    family = [one, *one.children(recursive=True)] if strike.share < 0.5 else [one]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)
    start_services(bench.home, bench.environment | SOONER)
