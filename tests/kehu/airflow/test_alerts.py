"""When people are told, and that telling them never breaks anything."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import datetime, timezone
from types import SimpleNamespace

import psycopg
import pytest
from airflow.exceptions import AirflowNotFoundException
from airflow.sdk import Connection

from kehu.airflow import alerts
from kehu.alerts import channels
from kehu.alerts.message import trial
from kehu.paths import PROJECT
from kehu.warehouse import runs
from tests.fakes.post import Webhook, serving
from tests.kehu.airflow.test_stages import DAY, open_night, warehouse  # noqa: F401  (a fixture)


@pytest.fixture
def connections(monkeypatch):
    """Connections that are set, by name."""
    known: dict[str, Connection] = {}

    def get(name):
        if name not in known:
            raise AirflowNotFoundException(name)
        return known[name]

    monkeypatch.setattr(alerts.BaseHook, "get_connection", get)
    monkeypatch.setattr(channels, "ATTEMPTS", 1)
    return known


def hooked(url, name="alert_slack", **more):
    return {name: Connection(conn_id=name, conn_type="generic", password=url, **more)}


def test_the_channels_are_those_that_there_are():
    assert tuple(channels.CHANNELS) == alerts.CHANNELS


def test_without_connections_nothing_is_sent_and_a_line_says_so(connections, caplog):
    assert alerts.send(trial()) == {}
    assert "no alert was sent: none of the connections alert_mail, alert_slack" in caplog.text


def test_a_broken_channel_keeps_no_other_from_its_alert(connections, caplog):
    hook = Webhook()
    with serving(hook), caplog.at_level(logging.INFO):
        connections |= hooked("http://127.0.0.1:1/canary-token") | hooked(hook.url, "alert_wecom")
        connections |= {"alert_mail": Connection(conn_id="alert_mail", conn_type="smtp", password="canary")}
        told = alerts.send(trial())
    assert told == {
        "mail": "not sent: the connection lacks its host",
        "slack": "not sent: the webhook does not answer (ConnectError)",
        "wecom": "sent",
    }
    assert len(hook.bodies) == 1
    assert "canary" not in caplog.text


def failed(**more):
    run = SimpleNamespace(run_id="manual__1", logical_date=None, run_after=None)
    instance = SimpleNamespace(dag_id="nightly", task_id="build_marts", try_number=4)
    return {"ti": instance, "dag_run": run, "params": {"as_of": "2024-01-02"}, **more}


def test_a_failed_task_is_told_of_without_values(connections):
    hook = Webhook()
    with serving(hook):
        connections |= hooked(hook.url)
        alerts.on_task_failure(
            failed(exception=ValueError('dbt model x: "Jane Roe" <jane@example.org> is odd\ncanary'))
        )
        alerts.on_task_failure(failed())
    first, second = (body["text"] for body in hook.bodies)
    assert first.splitlines() == [
        "Kehu: build_marts failed in the night of 2024-01-02",
        "Reason: dbt model x: … <…> is odd",
        "Readers keep the last published night. Tries: 4. Run: nightly, manual__1",
        "What to do: docs/runbook.md, task_failed",
    ]
    assert "its process ended without a word" in second


def test_a_task_whose_process_was_killed_is_told_of_when_the_run_has_failed(connections, warehouse, monkeypatch):  # noqa: F811
    monkeypatch.setattr(alerts, "warehouse_url", lambda role: warehouse)
    before = datetime.now(timezone.utc)
    for name in ("scheduled__1", "scheduled__2"):
        night = open_night(warehouse, DAY, name)
        for stage in ("build_marts", "publish"):
            runs.stage_started(warehouse, night.run_id, stage)
    runs.stage_finished(warehouse, night.run_id, "publish", runs.Counts())
    hook = Webhook()
    with serving(hook):
        connections |= hooked(hook.url)
        alerts.on_run_failure({"dag_run": run_that_failed("scheduled__2", datetime.now(timezone.utc))})
        # Somebody cleared the run before Airflow told of its failure: the stage is at work again.
        alerts.on_run_failure({"dag_run": run_that_failed("scheduled__2", before)})
        alerts.on_run_failure({"dag_run": run_that_failed("scheduled__3", None)})
        alerts.on_run_failure({})
    (body,) = hook.bodies
    assert body["text"].startswith(
        "Kehu: build_marts failed in the night of 2024-01-01\nReason: its process was killed"
    )


def run_that_failed(run_id, end_date):
    return SimpleNamespace(run_id=run_id, dag_id="nightly", end_date=end_date)


@pytest.mark.parametrize("context", [{}, None, failed(params={"as_of": "no day"})])
def test_a_callback_never_fails(connections, context, caplog):
    alerts.on_task_failure(context)
    assert "no alert was sent" in caplog.text


def test_a_late_run_is_told_of_as_airflow_tells_it(connections):
    hook = Webhook()
    with serving(hook):
        connections |= hooked(hook.url)
        run = {"dag_id": "nightly", "dag_run_id": "scheduled__2024-01-02"}
        alerts.on_deadline_missed(context={"dag_run": run, "deadline": {"deadline_time": "2024-01-03 06:00"}})
    assert hook.bodies[0]["text"].splitlines()[1] == "It should have been done by 2024-01-03 06:00."


def test_stale_sources_of_the_published_night_are_told_of_in_one_alert(connections, warehouse):  # noqa: F811
    night = open_night(warehouse, DAY, "test")
    tell = alerts.tell_stale_sources.function
    given = {"run_id": night.run_id, "as_of_date": str(DAY)}
    rows = "('web', 'events', 9, 2, true), ('crm', 'Leads', null, null, true), ('shop', 'order_lines', 0, 1, false)"
    hook = Webhook()
    with serving(hook), psycopg.connect(warehouse, autocommit=True) as connection:
        connections |= hooked(hook.url)
        connection.execute("update store.current set run_id = %s", [night.run_id])
        connection.execute(
            "create view marts.rpt_source_freshness as select * from (values "
            f"{rows}) as t (source, entity, days_behind, max_age_days, is_stale)"
        )
        tell(given)
        assert len(hook.bodies) == 1
        connection.execute(
            "create or replace view marts.rpt_source_freshness as select * from (values "
            f"{rows}) as t (source, entity, days_behind, max_age_days, is_stale) where not is_stale"
        )
        tell(given)
    (body,) = hook.bodies
    assert body["text"].splitlines()[:3] == [
        "Kehu: 2 stale in the night of 2024-01-01",
        "crm.Leads: never read",
        "web.events: 9 days behind, 2 allowed",
    ]


def test_the_trial_reaches_a_receiver_and_says_what_is_not_set(home):
    hook = Webhook()
    environment = {
        "AIRFLOW_HOME": str(home.airflow),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////" + str(home.airflow / "none.db").lstrip("/"),
        "PYTHONPATH": f"{PROJECT}:{PROJECT / 'plugins'}",
    }
    command = [sys.executable, "-m", "kehu.airflow.alerts"]

    def trial_run(**more):
        return subprocess.run(command, env=environment | more, capture_output=True, text=True, check=False)

    with serving(hook):
        connection = json.dumps({"conn_type": "generic", "password": hook.url})
        done = trial_run(AIRFLOW_CONN_ALERT_FEISHU=connection)
    assert (done.returncode, done.stdout) == (0, "alert_feishu: sent\n")
    assert "a test of the alerts" in hook.bodies[0]["content"]["text"]
    done = trial_run()
    assert done.returncode == 1
    assert done.stdout.startswith("no connection is set; make one of alert_mail, alert_slack")
