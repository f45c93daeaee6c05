"""The gate of the metrics fails when it should, and an analyst gets answers, or one reason why not."""

from __future__ import annotations

import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path

import psycopg
import pytest

from kehu.paths import DBT_PROJECT
from tests.dbt_project.metric_truths import TRUTHS
from tests.dbt_project.metric_world import World
from tests.dbt_project.warehouse import Warehouse
from tools import kpi_report, metrics
from tools.semantic_layer import DefinitionError, problems, read_definitions


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """What a copy of the project reads like after an edit in one of its files of metrics."""
    project = tmp_path_factory.mktemp("edited") / "dbt_project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))

    def read(file, old, new):
        path = project / kpi_report.FOLDER / file
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new, 1))
        try:
            return project, kpi_report.read_for_report(project)
        finally:
            path.write_text(before)

    return read


@pytest.fixture(scope="module")
def definitions(home):
    return kpi_report.read_for_report()


@pytest.fixture(scope="module")
def filled(server_url):
    """Marts of random rows where the published ones lie."""
    warehouse = Warehouse(server_url)
    World().write(warehouse.url, "marts")
    warehouse.execute("grant select on all tables in schema marts to bi_reader")
    return warehouse.url


@pytest.fixture
def published(filled, monkeypatch, read_once):
    monkeypatch.setenv("KEHU_WAREHOUSE_URL", filled)
    monkeypatch.setattr(metrics, "read_definitions", read_once)
    return filled


@pytest.fixture(scope="module")
def read_once():
    """As each question would; reading takes seconds, and the definitions stay the same."""
    return cache(read_definitions)


def test_the_report_is_what_the_metrics_say(definitions):
    assert problems(definitions) == []
    assert kpi_report.stale_files(definitions) == []


def test_another_formula_makes_the_report_stale(home, edited):
    project, definitions = edited("_transaction__metrics.yml", "revenue / nullif(orders, 0)", "revenue / orders")
    assert problems(definitions) == []
    assert kpi_report.stale_files(definitions, project) == ["rpt_kpis_daily.sql"]


def test_another_meaning_makes_the_contract_stale(home, edited):
    project, definitions = edited("_feedback__metrics.yml", "Mean of the scored answers", "Middle of them")
    assert kpi_report.stale_files(definitions, project) == ["_metrics__models.yml"]


def test_a_metric_of_nothing_is_refused_in_dbts_words(home, edited):
    with pytest.raises(DefinitionError, match="nothing_like_it"):
        edited("_service__metrics.yml", "{measure: response_minutes}", "{measure: nothing_like_it}")


def test_a_metric_without_an_owner_or_a_meaning_is_found(home, edited):
    old = 'config: {meta: {owner: data team, group: sales, data_type: "numeric(6,5)"}}'
    _, definitions = edited("_sales__metrics.yml", old, "config: {meta: {group: sales}}")
    assert problems(definitions) == ["metric win_rate has no owner", "metric win_rate has no data_type"]


def test_what_metricflow_objects_to_is_found(definitions):
    twice = deepcopy(definitions)
    twice.metrics.append(deepcopy(twice.metrics[0]))
    assert any("already" in line and twice.metrics[0].name in line for line in problems(twice))


def test_check_fails_with_one_line_for_each_stale_file(home, capsys, monkeypatch, definitions):
    monkeypatch.setattr(kpi_report, "read_for_report", lambda: definitions)
    assert metrics.main(["check"]) == 0
    monkeypatch.setattr(kpi_report, "HOW", "Written by hand.")
    assert metrics.main(["check"]) == 1
    assert [line.split(" is not ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "rpt_kpis_daily.sql",
        "_metrics__models.yml",
    ]


def test_an_analyst_gets_what_was_asked(published, capsys):
    question = ["query", "--metrics", "revenue,nps", "--group-by", "metric_time__month", "--csv"]
    assert metrics.main([*question, "--start", "2024-01-01", "--end", "2024-02-29"]) == 0
    head, *rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert head == ["metric_time__month", "revenue", "nps"]
    with psycopg.connect(published) as connection:
        truths = [dict(connection.execute(TRUTHS[name].sql("marts", "month")).fetchall()) for name in head[1:]]
    months = sorted(month for month in truths[0] if month and f"{month:%Y-%m}" in ("2024-01", "2024-02"))
    assert rows == [[str(m), f"{truths[0][m]:.3f}", f"{truths[1][m]:.4f}"] for m in months]
    assert len(rows) == 2


def test_a_condition_an_order_and_a_limit(published, capsys):
    question = [
        "query",
        "--metrics",
        "orders",
        "--group-by",
        "customer__country",
        "--order=-orders,customer__country",
        "--limit",
        "1",
    ]
    assert metrics.main([*question, "--where", "{{ Dimension('customer__country') }} <> 'unknown'", "--csv"]) == 0
    _, row = capsys.readouterr().out.splitlines()
    with psycopg.connect(published) as connection:
        rows = connection.execute("""
            select country, count(*) from marts.fct_orders inner join marts.dim_customers using (customer_id)
            where order_type = 'order' and country is not null group by 1 order by 2 desc, 1
        """).fetchall()
    assert row == f"{rows[0][0]},{rows[0][1]}"


def test_explain_prints_sql_on_the_published_marts(published, capsys):
    assert metrics.main(["query", "--metrics", "orders", "--explain"]) == 0
    assert '"marts"."fct_orders"' in capsys.readouterr().out


def test_what_cannot_be_answered_is_said(published, capsys):
    assert metrics.main(["query", "--metrics", "revenu"]) == 1
    assert "'revenue'" in capsys.readouterr().err
    assert metrics.main(["query", "--metrics", "orders", "--where", "no such thing"]) == 1
    assert "syntax" in capsys.readouterr().err


def test_lists(home, capsys, monkeypatch, read_once):
    monkeypatch.setattr(metrics, "read_definitions", read_once)
    assert metrics.main(["list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in TRUTHS)
    assert metrics.main(["dimensions", "--metrics", "revenue,return_rate"]) == 0
    assert "customer__country" in capsys.readouterr().out


def test_without_a_night_there_is_nothing_to_ask(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("KEHU_HOME", str(tmp_path))
    assert metrics.main(["query", "--metrics", "orders"]) == 1
    assert "make run" in capsys.readouterr().err
