"""Run one dbt layer in process: credentials from the Airflow connection, a retry that resumes, results in the log."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from kehu.paths import DBT_PROJECT, state_folder
from kehu.warehouse.runs import Night

log = logging.getLogger(__name__)


class DbtError(RuntimeError):
    """A model or a test failed; the message names the first one."""


class DbtTestError(DbtError):
    """The models were built, but their rows fail a test: building again would change nothing."""


def build(url: str, night: Night, select: Sequence[str], inputs_from: datetime | None = None) -> int:
    """`dbt build` of the selected nodes for one night; return the rows written into tables.

    If the last invocation was the same layer of the same run, after its inputs were finished (`inputs_from`), and
    left errors, only these and what hangs on them are built again. A failed test starts the layer afresh: what has
    to change to mend it lies in rows or models that are built already.
    """
    from dbt.cli.main import dbtRunner

    variables = {
        "as_of_date": night.as_of_date.isoformat(),
        "run_schema": night.schema,
        "code_version": code_version(),
    }
    target = state_folder() / "dbt_target"
    command = _command(target, select, variables, inputs_from)
    with _credentials(url):
        outcome = dbtRunner().invoke(command)
    if outcome.exception is not None:
        raise DbtError(str(outcome.exception).strip().splitlines()[0]) from None
    results = list(getattr(outcome.result, "results", None) or [])
    _log_nodes(results)
    failed = [result for result in results if result.status in ("error", "fail", "runtime error")]
    if failed or not outcome.success:
        is_test = bool(failed) and all(result.status == "fail" for result in failed)
        raise (DbtTestError if is_test else DbtError)(_describe(failed))
    return sum(_rows(result) for result in results)


def code_version(project: Path = DBT_PROJECT) -> str:
    """A hash of all that a model's rows are made by; another one, and kept models are worked out anew."""
    files = [project / "dbt_project.yml"]
    for folder, kinds in (("models", ("sql", "yml")), ("macros", ("sql",)), ("seeds", ("csv", "yml"))):
        files += [file for kind in kinds for file in sorted((project / folder).rglob(f"*.{kind}"))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(project).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def environment(url: str) -> dict[str, str]:
    """The variables that `profiles.yml` reads, derived from a libpq URI."""
    parts = urlsplit(url)
    return {
        "KEHU_DBT_HOST": parts.hostname or "127.0.0.1",
        "KEHU_DBT_PORT": str(parts.port or 5432),
        "KEHU_DBT_USER": unquote(parts.username or ""),
        "DBT_ENV_SECRET_KEHU_PASSWORD": unquote(parts.password or ""),
        "KEHU_DBT_DATABASE": parts.path.lstrip("/"),
        "DO_NOT_TRACK": "1",
    }


def _command(target: Path, select: Sequence[str], variables: dict[str, str], inputs_from: datetime | None) -> list[str]:
    paths = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(target)]
    common = [*paths, "--log-path", str(state_folder() / "logs" / "dbt")]
    # dbt's own events quote rows (a driver's DETAIL); what we tell of the nodes does not.
    common += ["--log-level", "none", "--log-level-file", "none"]
    if can_resume(target, select, variables, inputs_from):
        log.info("resuming the failed nodes of the last try")
        return ["retry", "--state", str(target), *common]
    # A test belongs to the layer that builds the last of its tables; "buildable" leaves it out before.
    return ["build", *common, "--indirect-selection", "buildable", "--select", *select, "--vars", json.dumps(variables)]


def can_resume(target: Path, select: Sequence[str], variables: dict[str, str], inputs_from: datetime | None) -> bool:
    """Whether the last results in `target` are those of a broken-off build of the same layer on the same inputs."""
    try:
        last = json.loads((target / "run_results.json").read_text())
    except (OSError, ValueError):
        return False
    args = last.get("args", {})
    is_same = list(args.get("select") or []) == list(select) and args.get("vars") == variables
    statuses = {result["status"] for result in last["results"]}
    is_broken_off = bool(statuses & {"error", "runtime error"}) and "fail" not in statuses
    if not (is_same and is_broken_off) or inputs_from is None:
        return False
    return datetime.fromisoformat(last["metadata"]["generated_at"].replace("Z", "+00:00")) > inputs_from


@contextmanager
def _credentials(url: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(environment(url))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _log_nodes(results: Sequence[Any]) -> None:
    for result in results:
        log.info("%-8s %6.2f s %9s  %s", result.status, result.execution_time, _rows(result) or "", result.node.name)


def _rows(result: Any) -> int:
    affected = (result.adapter_response or {}).get("rows_affected", 0)
    is_table = result.node.resource_type == "model" and result.node.config.materialized in ("table", "incremental")
    return int(affected) if is_table and affected else 0


def _describe(failed: Sequence[Any]) -> str:
    if not failed:
        return "dbt failed before any node ran"
    first = failed[0]
    # No DETAIL, which quotes rows, and no value that would not fit its type.
    message = " ".join((first.message or "").strip().splitlines()[:2])
    message = re.sub(r': "[^"]*"', ': "…"', message)
    others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return f"dbt {first.node.resource_type} {first.node.name}: {message}{others}"
