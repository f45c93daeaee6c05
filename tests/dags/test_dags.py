from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from bench.identity import LATER
from kehu.paths import PROJECT

SAMPLE_SOURCES = (
    "shop", "zoho_crm", "fxiaoke", "web", "support", "surveys", "social", "consents", "payments", "reference",
)  # fmt: skip
HEAVY = (
    "pandas", "pyarrow", "sklearn", "scipy", "great_expectations", "dbt", "matplotlib", "adbc_driver_postgresql",
    "splink", "duckdb",
)  # fmt: skip


@pytest.fixture(scope="module")
def bag(home):
    """The DAGs as Airflow's own bag reads them, in a process of its own."""
    code = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
print("RESULT" + json.dumps({
    "errors": bag.import_errors,
    "dags": {d: {"tasks": sorted(t.task_id for t in g.tasks), "tags": sorted(g.tags), "doc": bool(g.doc_md),
                 "late": sorted(t.task_id for t in g.tasks if t.execution_timeout is None),
                 "mute": sorted(t.task_id for t in g.tasks if not t.doc_md),
                 "upstream": {t.task_id: sorted(t.get_flat_relative_ids(upstream=True)) for t in g.tasks},
                 "max": g.max_active_runs} for d, g in bag.dags.items()},
}))
"""
    environment = _environment(home)
    done = subprocess.run(
        [sys.executable, "-c", code, str(PROJECT / "dags")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RESULT" in done.stdout, done.stdout + done.stderr
    return json.loads(done.stdout.split("RESULT")[1])


def _environment(home) -> dict[str, str]:
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home.airflow),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////" + str(home.airflow / "none.db").lstrip("/"),
    }


def test_there_are_exactly_these_dags_and_no_import_error(bag):
    assert bag["errors"] == {}
    assert set(bag["dags"]) == {"erase", "nightly", "retrain"}


def test_the_week_trains_and_judges_each_question_is_documented_and_bounded(bag):
    from kehu.airflow import retrain
    from ml.retrain import QUESTIONS

    week = bag["dags"]["retrain"]
    assert tuple(QUESTIONS) == retrain.QUESTIONS
    stages = [f"{what}_{name}" for what in ("train", "judge") for name in QUESTIONS]
    assert week["tasks"] == sorted(["newest_night", "build_training", *stages])
    assert week["doc"]
    assert week["tags"] == ["models", "weekly"]
    assert week["late"] == week["mute"] == []
    assert week["max"] == 1


def test_erasing_is_documented_and_bounded(bag):
    dag = bag["dags"]["erase"]
    assert dag["tasks"] == ["erase_requested"]
    assert dag["doc"]
    assert dag["late"] == dag["mute"] == []
    assert dag["max"] == 1


def test_the_night_is_documented_tagged_and_bounded(bag):
    night = bag["dags"]["nightly"]
    assert night["doc"]
    assert night["tags"] == ["nightly", "warehouse"]
    assert night["late"] == night["mute"] == []
    assert night["max"] == 1


def test_every_stage_has_its_task(bag):
    assert set(bag["dags"]["nightly"]["tasks"]) == {
        "open_night",
        *(f"ingest.ingest_{name}" for name in SAMPLE_SOURCES),
        "check_raw",
        "require_sources",
        "build_staging",
        "normalise_values",
        "build_identity",
        "identify_customers",
        "build_intermediate",
        "build_marts",
        "build_features",
        "keep_history",
        "scores.score_segments",
        "scores.score_value",
        "scores.score_churn",
        "scores.score_feedback",
        "scores.score_recommendations",
        "monitor_models",
        "build_candidates",
        "keep_lists",
        "build_score_marts",
        "attach_marts",
        "check_scores",
        "publish",
        "report",
        "tell_stale_sources",
    }


def test_each_source_has_retries_time_out_pool_and_asset_of_its_own(home, tmp_path):
    (tmp_path / "sources.yml").write_text("""
sources:
  crm: {kind: zoho_crm, connection: crm, retries: 5, retry_seconds: 30, time_out_minutes: 7, parallel: 2}
  web: {kind: files, location: web, entities: {events: {format: jsonl, pattern: "events.jsonl"}}}
""")
    code = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
tasks = [task for task in bag.dags["nightly"].tasks if task.task_id.startswith("ingest.")]
told = {t.task_id: [t.retries, t.retry_delay.seconds, t.execution_timeout.seconds, t.pool, [a.uri for a in t.outlets]]
        for t in tasks}
print("RESULT" + json.dumps(told))
"""
    environment = {**_environment(home), "KEHU_SOURCES": str(tmp_path / "sources.yml")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(PROJECT / "dags")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout.split("RESULT")[1]) == {
        "ingest.ingest_crm": [5, 30, 420, "source_crm", ["kehu://warehouse/raw_crm"]],
        "ingest.ingest_web": [2, 60, 7200, "source_web", ["kehu://warehouse/raw_web"]],
    }


@pytest.mark.parametrize("dag", ["nightly", "retrain"])
def test_parsing_a_dag_imports_nothing_heavy(home, dag):
    code = f"""
import sys; sys.path.insert(0, {str(PROJECT / "dags")!r})
import airflow.sdk
before = set(sys.modules)
import {dag}
print("RESULT" + ",".join(sorted({{m.split(".")[0] for m in set(sys.modules) - before}})))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=_environment(home), capture_output=True, text=True, check=False
    )
    imported = set(done.stdout.split("RESULT")[1].strip().split(","))
    assert "kehu" in imported
    assert imported.isdisjoint(HEAVY)


def test_the_bench_of_identity_runs_what_identity_needs_and_nothing_else(bag):
    nightly = bag["dags"]["nightly"]
    ran = {task for task in nightly["tasks"] if not re.fullmatch(LATER, task)}
    assert ran == {*nightly["upstream"]["identify_customers"], "identify_customers"}
