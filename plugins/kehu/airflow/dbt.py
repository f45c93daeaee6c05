"""Run one dbt layer in process: credentials from the Airflow connection, a retry that resumes, results in the log."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from kehu.paths import state_folder
from kehu.warehouse.dbt import BROKEN, credentials, describe, flags, variables
from kehu.warehouse.passing import words_can_pass
from kehu.warehouse.runs import Night

log = logging.getLogger(__name__)


class DbtError(RuntimeError):
    """A model or a test failed; the message names the first one. `can_pass`: each failed for a reason that may pass."""

    def __init__(self, message: str, can_pass: bool = False) -> None:
        super().__init__(message)
        self.can_pass = can_pass


def build(
    url: str,
    night: Night,
    select: Sequence[str],
    inputs_from: datetime | None = None,
    leaves_manifest: bool = True,
) -> int:
    """`dbt build` of the selected nodes for one night; return the rows written into tables.

    `leaves_manifest`: whether `manifest.json` is left in the target folder; writing it takes as long as a small layer.

    If the last invocation was the same layer of the same run, after its inputs were finished (`inputs_from`), and
    left errors, only these and what hangs on them are built again. A failed test starts the layer afresh: what has
    to change to mend it lies in rows or models that are built already.
    """
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    target = target_folder()
    command = _command(target, select, variables(night), inputs_from)
    if not leaves_manifest:
        command.append("--no-write-json")
    with credentials(url):
        outcome = dbtRunner().invoke(command)
    if not leaves_manifest and isinstance(outcome.result, RunExecutionResult):
        outcome.result.write(str(target / "run_results.json"))  # what a retry resumes from
    if outcome.exception is not None:
        # It broke off before any row was read: what it says is of the project's files.
        line = " ".join(line.strip() for line in str(outcome.exception).strip().splitlines()[:4])
        raise DbtError(line, words_can_pass(str(outcome.exception))) from None
    results = list(getattr(outcome.result, "results", None) or [])
    _log_nodes(results)
    failed = [result for result in results if result.status in BROKEN]
    if failed or not outcome.success:
        # A failed test or a wrong statement is the same at the next try; dbt tells causes in words only.
        raise DbtError(describe(failed), bool(failed) and all(words_can_pass(one.message or "") for one in failed))
    return sum(_rows(result) for result in results)


def target_folder() -> Path:
    """Where the night's dbt leaves its manifest and results."""
    return state_folder() / "dbt_target"


def _command(target: Path, select: Sequence[str], values: dict[str, str], inputs_from: datetime | None) -> list[str]:
    common = flags(target)
    if can_resume(target, select, values, inputs_from):
        log.info("resuming the failed nodes of the last try")
        return ["retry", "--state", str(target), *common]
    # A test belongs to the layer that builds the last of its tables; "buildable" leaves it out before. Unit tests tell
    # of the code, not of the night's rows: sandboxes and the project's own tests run them.
    chosen = ["--exclude-resource-type", "unit_test", "--indirect-selection", "buildable", "--select", *select]
    return ["build", *common, *chosen, "--vars", json.dumps(values)]


def can_resume(target: Path, select: Sequence[str], values: dict[str, str], inputs_from: datetime | None) -> bool:
    """Whether the last results in `target` are those of a broken-off build of the same layer on the same inputs."""
    try:
        last = json.loads((target / "run_results.json").read_text())
    except (OSError, ValueError):
        return False
    args = last.get("args", {})
    is_same = list(args.get("select") or []) == list(select) and args.get("vars") == values
    statuses = {result["status"] for result in last["results"]}
    is_broken_off = bool(statuses & {"error", "runtime error"}) and "fail" not in statuses
    if not (is_same and is_broken_off) or inputs_from is None:
        return False
    return datetime.fromisoformat(last["metadata"]["generated_at"].replace("Z", "+00:00")) > inputs_from


def _log_nodes(results: Sequence[Any]) -> None:
    for result in results:
        log.info("%-8s %6.2f s %9s  %s", result.status, result.execution_time, _rows(result) or "", result.node.name)


def _rows(result: Any) -> int:
    affected = (result.adapter_response or {}).get("rows_affected", 0)
    is_table = result.node.resource_type == "model" and result.node.config.materialized in ("table", "incremental")
    return int(affected) if is_table and affected else 0
