"""The lint rules of the dbt project fail when they should, and no dbt test is left out of the night."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kehu.airflow import nightly
from kehu.paths import DBT_PROJECT, PROJECT

BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "DO_NOT_TRACK": "1"}


def conventions(folder: Path) -> str:
    """Parse the project in `folder` and return what dbt-bouncer says; empty if it is content."""
    target = folder / ".kehu" / "lint"
    paths = ["--project-dir", "dbt_project", "--profiles-dir", "dbt_project", "--target-path", str(target)]
    parse = ["dbt", "parse", *paths, "--log-path", str(target), "--no-partial-parse"]
    subprocess.run(parse, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
    done = subprocess.run(
        ["dbt-bouncer", "run"], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path) -> Path:
    shutil.copytree(DBT_PROJECT, tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(PROJECT / "dbt-bouncer.yml", tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


BREAKS = {
    "a mart that reads staging": (
        "marts/customer/dim_customers.sql",
        "ref('int_order_lines__classified')",
        "ref('stg_shop__order_lines')",
        "check_lineage_permitted_upstream_models",
    ),
    "features that read scores": (
        "ml_features/ftr_customer_traits.sql",
        "ref('fct_orders')",
        "ref('fct_customer_scores')",
        "check_lineage_permitted_upstream_models",
    ),
    "an intermediate model that reads raw": (
        "intermediate/int_order_lines__classified.sql",
        "ref('stg_shop__order_lines')",
        "source('shop', 'order_lines')",
        "check_lineage_source_cannot_be_used",
    ),
    "a mart without a grain": (
        "publish/customer/_customer__models.yml",
        "Grain - one row per customer,",
        "Customers,",
        "check_model_description_contains_regexp_pattern",
    ),
    "a mart that nobody is said to read": (
        "publish/_exposures.yml",
        "      - ref('rpt_market_share')\n",
        "",
        "check_model_has_exposure",
    ),
    "a model that asks the clock": (
        "publish/customer/rpt_customer_360.sql",
        "{{ as_of_date() }} as as_of_date",
        "current_date as as_of_date",
        "check_model_code_does_not_contain_regexp_pattern",
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "rule"), BREAKS.values(), ids=BREAKS)
def test_a_broken_convention_is_found(copy, file, old, new, rule):
    edit(copy / "dbt_project" / "models" / file, old, new)
    assert rule in conventions(copy)


def test_the_project_keeps_its_conventions(copy):
    assert conventions(copy) == ""


def selected(target: Path, *options: str) -> set[str]:
    paths = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(target)]
    command = [
        "dbt",
        "--quiet",
        "ls",
        *paths,
        "--log-path",
        str(target),
        "--output",
        "json",
        "--output-keys",
        "unique_id",
    ]
    done = subprocess.run([*command, *options], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    nodes = {json.loads(line)["unique_id"] for line in done.stdout.splitlines() if line.startswith("{")}
    return {node for node in nodes if not node.startswith("source.")}


def test_every_model_and_test_belongs_to_exactly_one_stage(tmp_path):
    layers = [nightly.LAYERS[name].select for name in nightly.LAYERS]
    found = [selected(tmp_path, "--indirect-selection", "buildable", "--select", *select) for select in layers]
    everything = selected(tmp_path)
    assert set().union(*found) == everything
    models = [node for nodes in found for node in nodes if node.startswith(("model.", "seed."))]
    assert len(models) == len(set(models))
