from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from kehu.airflow.dbt import can_resume

BUILT = datetime(2024, 1, 2, 3, tzinfo=timezone.utc)
SELECT, VARIABLES = ("path:models/intermediate",), {"as_of_date": "2024-01-01", "run_schema": "run_7"}


@pytest.mark.parametrize(
    ("statuses", "select", "variables", "inputs_from", "expected"),
    [
        (["success", "error", "skipped"], SELECT, VARIABLES, BUILT - timedelta(minutes=1), True),
        (["success", "success"], SELECT, VARIABLES, BUILT - timedelta(minutes=1), False),
        (["success", "fail", "skipped"], SELECT, VARIABLES, BUILT - timedelta(minutes=1), False),
        (["error"], SELECT, VARIABLES, BUILT + timedelta(minutes=1), False),
        (["error"], SELECT, VARIABLES, None, False),
        (["error"], ("path:models/marts",), VARIABLES, BUILT - timedelta(minutes=1), False),
        (["error"], SELECT, VARIABLES | {"run_schema": "run_8"}, BUILT - timedelta(minutes=1), False),
    ],
    ids=["broken off", "whole", "a test failed", "inputs built since", "no inputs", "another layer", "another run"],
)
def test_only_a_broken_off_build_of_the_same_inputs_is_resumed(
    tmp_path, statuses, select, variables, inputs_from, expected
):
    results = {
        "metadata": {"generated_at": BUILT.isoformat().replace("+00:00", "Z")},
        "args": {"select": list(SELECT), "vars": VARIABLES},
        "results": [{"status": status} for status in statuses],
    }
    (tmp_path / "run_results.json").write_text(json.dumps(results))
    assert can_resume(tmp_path, select, variables, inputs_from) is expected


def test_nothing_is_resumed_without_results(tmp_path):
    assert can_resume(tmp_path, SELECT, VARIABLES, BUILT) is False
