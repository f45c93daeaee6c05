"""What a stage does with errors, and that no two runs write at the same time."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import date

import psycopg
import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTerminated, AirflowTaskTimeout

from kehu.airflow import stages
from kehu.airflow.dbt import DbtError
from kehu.airflow.nightly import dbt_stage
from kehu.paths import DBT_PROJECT
from kehu.sources.contract import SourceError, SourceUnavailable
from kehu.warehouse import runs
from kehu.warehouse.roles import Role
from kehu.warehouse.runs import Counts, open_night

DAY = date(2024, 1, 1)


@pytest.fixture
def warehouse(url, monkeypatch):
    monkeypatch.setattr(stages, "warehouse_url", lambda role: url)
    return url


def run(night, work, name="work", **options):
    made = stages.stage(name, "A stage.", role=Role.LOADER, **options)(work)
    made.function({"run_id": night.run_id, "as_of_date": str(DAY)})


def failing(error):
    def work(url, night):
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "is_tried_again"),
    [
        (psycopg.errors.DeadlockDetected("deadlock detected\nDETAIL: canary"), True),
        (psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"), True),
        (SourceUnavailable("crm", "/contacts", "status 503; given up after several tries"), True),
        (DbtError("dbt model x: server closed the connection unexpectedly", can_pass=True), True),
        (ConnectionResetError("reset by peer"), True),
        (SourceError("shop", "order_lines.csv", "is empty"), False),
        (DbtError("dbt test not_null_x: Got 3 results, configured to fail if != 0"), False),
        (psycopg.errors.UndefinedColumn('column "x" does not exist\nDETAIL: canary'), False),
        (KeyError("customer_id"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_may_pass_is_tried_again_and_the_reason_is_kept_in_one_line(warehouse, error, is_tried_again):
    night = open_night(warehouse, DAY, "test")
    with pytest.raises(stages.StageError if is_tried_again else AirflowFailException) as raised:
        run(night, failing(error))
    (told,) = runs.stages(warehouse, night.run_id)
    assert (told.state, told.error) == ("failed", str(raised.value))
    assert "canary" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_tries_are_counted_and_a_later_success_stands(warehouse):
    night = open_night(warehouse, DAY, "test")
    for error in (ConnectionResetError("x"), TimeoutError("x")):
        with pytest.raises(stages.StageError):
            run(night, failing(error))
    run(night, lambda url, night: Counts(3, 2))
    with psycopg.connect(warehouse) as connection:
        connection.execute("set role bi_reader")
        told = connection.execute(
            "select run_status, stage, state, tries, rows_in, rows_out from ops.run_stages"
        ).fetchall()
    assert told == [("open", "work", "success", 3, 3, 2)]


def test_the_view_has_the_columns_that_its_source_tells(warehouse):
    sources = yaml.safe_load((DBT_PROJECT / "models/staging/ops/_ops__sources.yml").read_text())["sources"][0]
    (told,) = [table["columns"] for table in sources["tables"] if table["name"] == "run_stages"]
    query = """
        select attname, format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = 'ops.run_stages'::regclass and attnum > 0 order by attnum
    """
    with psycopg.connect(warehouse) as connection:
        there = connection.execute(query).fetchall()
    short = {"timestamp with time zone": "timestamptz"}
    assert [(name, short.get(kind, kind)) for name, kind in there] == [(c["name"], c["data_type"]) for c in told]


def test_a_stage_whose_process_was_killed_is_told_as_broken_off(warehouse):
    night = open_night(warehouse, DAY, "test")
    runs.stage_started(warehouse, night.run_id, "work")
    query = "select state, seconds from ops.run_stages"
    with psycopg.connect(warehouse) as connection:
        assert connection.execute(query).fetchall() == [("running", None)]
        open_night(warehouse, DAY, "test")
        assert connection.execute(query).fetchall() == [("broken off", None)]


def test_a_stage_that_is_stopped_from_outside_says_so(warehouse):
    night = open_night(warehouse, DAY, "test")
    for signal in (AirflowTaskTimeout, AirflowTaskTerminated, SystemExit):
        with pytest.raises(signal):
            run(night, failing(signal()))
        (told,) = runs.stages(warehouse, night.run_id)
        assert (told.state, told.error) == ("failed", "stopped from outside (time-out or signal)"), signal


def test_a_layer_is_not_built_again_after_its_marts_were_attached(warehouse):
    night = open_night(warehouse, DAY, "test")
    with psycopg.connect(warehouse) as connection:
        connection.execute("update ops.runs set status = 'attached'")
    wanted = f"run {night.run_id} is attached already: rerun the night from open_night instead"
    with pytest.raises(AirflowFailException, match=wanted):
        dbt_stage("build_marts").function({"run_id": night.run_id, "as_of_date": str(DAY)})


def test_a_warehouse_that_is_gone_does_not_hide_why_the_stage_failed(warehouse, monkeypatch, caplog):
    night = open_night(warehouse, DAY, "test")

    def finish(*_):
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(stages, "stage_finished", finish)
    with pytest.raises(AirflowFailException, match="is empty"):
        run(night, failing(SourceError("shop", "order_lines.csv", "is empty")))
    assert "the warehouse was not told of the failure: connection refused" in caplog.text


def test_a_new_run_waits_for_the_stage_that_still_writes_and_then_supersedes_its_run(warehouse):
    first = open_night(warehouse, DAY, "test")
    order, begun = [], threading.Event()

    def work(url, night):
        begun.set()
        time.sleep(0.5)
        order.append("written")
        return Counts()

    writer = threading.Thread(target=run, args=(first, work))
    writer.start()
    begun.wait()
    second = open_night(warehouse, DAY, "test")
    order.append("opened")
    writer.join()
    assert order == ["written", "opened"]
    with pytest.raises(AirflowFailException, match=f"run {first.run_id} is superseded by run {second.run_id}"):
        run(first, work, "next")
    assert order == ["written", "opened"]


def test_stages_of_one_run_work_side_by_side_and_a_training_keeps_no_night_waiting(warehouse):
    night = open_night(warehouse, DAY, "test")
    meeting = threading.Barrier(2, timeout=20)

    def work(url, night):
        meeting.wait()
        return Counts()

    threads = [threading.Thread(target=run, args=(night, work, name)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not meeting.broken
    run(night, lambda url, night: Counts(rows_out=open_night(url, DAY, "test").run_id), is_alone=False)


def test_a_stage_that_never_ends_is_an_error_that_may_pass(warehouse, monkeypatch):
    monkeypatch.setattr(runs, "WORK_PATIENCE", "100ms")
    with runs.working(warehouse), pytest.raises(psycopg.errors.LockNotAvailable) as raised:
        open_night(warehouse, DAY, "test")
    assert stages.may_pass(raised.value)
    assert open_night(warehouse, DAY, "test").run_id


def test_the_statement_of_a_killed_process_ends_with_it(warehouse):
    code = "import psycopg, sys; psycopg.connect(sys.argv[1]).execute('select pg_sleep(600)')"
    process = subprocess.Popen([sys.executable, "-c", code, warehouse])
    works = "select exists (select from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active')"
    with psycopg.connect(warehouse, autocommit=True) as connection:

        def wait_until(expected):
            deadline = time.monotonic() + 30
            while connection.execute(works).fetchone() != (expected,):
                assert time.monotonic() < deadline
                time.sleep(0.05)

        wait_until(True)
        process.kill()
        process.wait()
        wait_until(False)
