"""What the gates of each night found, as the mart and the report's picture tell it."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from kehu.warehouse.runs import open_night
from tests.dbt_project.warehouse import DAY, Warehouse

BEFORE = date(2024, 3, 4)
RESULT = """
insert into ops.quality_results (run_id, gate, table_name, expectation, severity, is_passed, count_evaluated)
values (%s, %s, 't', %s, %s, %s, %s)
"""
STAGE = """
insert into ops.stage_runs (run_id, stage, state, started_at) values (%s, %s, %s, '2024-03-05 01:00+00')
"""


def tell(warehouse, run_id, *results, stages=()):
    with psycopg.connect(warehouse.url) as connection:
        for result in results:
            connection.execute(RESULT, [run_id, *result])
        for name, state in stages:
            connection.execute(STAGE, [run_id, name, state])


@pytest.fixture(scope="module")
def built(server_url):
    made = Warehouse(server_url)
    old, again, now = (open_night(made.url, day, "test").run_id for day in (BEFORE, BEFORE, DAY))
    tell(
        made,
        old,
        ("raw", "volume", "block", False, 9),
        ("raw", "price", "quarantine", False, 9),
        stages=[("ingest_shop", "success"), ("require_sources", "success"), ("check_raw", "failed")],
    )
    tell(
        made,
        again,
        ("raw", "volume", "block", True, 10),
        ("scores", "mean", "warn", False, 5),
        stages=[("check_raw", "success"), ("build_marts", "success"), ("check_scores", "success")],
    )
    tell(
        made,
        now,
        ("raw", "volume", "block", False, 1),
        ("scores", "mean", "warn", False, 5),
        stages=[("ingest_web", "failed"), ("require_sources", "success"), ("check_raw", "failed")],
    )
    made.build_nodes("stg_ops__quality_results", "fct_quality_results")
    (made.schema,) = made.rows("select 'run_' || max(run_id) from ops.runs")[0]
    return made


def test_of_each_night_the_newest_run_that_made_a_check_tells(built):
    query = f"""
        select as_of_date, gate, expectation, outcome, count_evaluated from {built.schema}.fct_quality_results
        order by 1, 2, 3
    """
    assert built.rows(query) == [
        (BEFORE, "raw", "price", "quarantined", 9),
        (BEFORE, "raw", "volume", "passed", 10),
        (BEFORE, "scores", "mean", "warned", 5),
        (DAY, "raw", "volume", "blocked", 1),
    ]


def test_a_night_at_each_gate_is_as_its_newest_run_left_it(built):
    assert built.rows("select as_of_date, gate, state from ops.gate_nights order by 1, 2") == [
        (BEFORE, "landing", "passed"),
        (BEFORE, "marts", "passed"),
        (BEFORE, "raw", "quarantined"),
        (BEFORE, "scores", "warned"),
        (DAY, "landing", "warned"),
        (DAY, "raw", "blocked"),
    ]


def test_bi_tools_may_see_the_nights_and_not_the_results(built):
    with psycopg.connect(built.url) as connection:
        connection.execute("set role bi_reader")
        assert connection.execute("select count(*) from ops.gate_nights").fetchone() == (6,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from ops.quality_results")
