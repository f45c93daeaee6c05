"""The unit tests of the models: they need the tables' columns, not their rows, so a night's warehouse serves."""

from __future__ import annotations

import json

import pytest

from kehu.warehouse.dbt import BROKEN, credentials, flags
from kehu.warehouse.runs import published_night

pytestmark = pytest.mark.timeout(1500)


def test_each_model_does_what_its_unit_tests_say(sample, tmp_path):
    from dbt.cli.main import dbtRunner

    values = {"as_of_date": published_night(sample.url).as_of_date.isoformat(), "run_schema": "marts"}
    command = ["test", *flags(tmp_path), "--select", "test_type:unit", "--vars", json.dumps(values)]
    with credentials(sample.url):
        outcome = dbtRunner().invoke(command)
    results = list(outcome.result.results)
    assert {result.node.name: result.message for result in results if result.status in BROKEN} == {}
    written = json.loads((tmp_path / "manifest.json").read_text())["unit_tests"]
    assert len(results) == len(written) > 30
