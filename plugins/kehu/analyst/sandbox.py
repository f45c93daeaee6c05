"""An analyst's own schema: the models that changed and their children, everything else read where it is published.

The build runs under the role `sandbox_builder`, which can read all layers and write nothing but schemas it made.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import Connection, sql
from psycopg.errors import InsufficientPrivilege

from kehu.analyst.state import changed_parameters, load, models_reading, write_state
from kehu.paths import DBT_PROJECT, state_folder
from kehu.warehouse import dbt
from kehu.warehouse.manifests import kept
from kehu.warehouse.runs import Night, newest_run_id, published_night

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

BUILDER = "sandbox_builder"
LONGEST_NAME = 63
KINDS = [part for kind in ("model", "seed", "test", "unit_test") for part in ("--resource-type", kind)]
LISTED = ("name", "resource_type")


class SandboxError(RuntimeError):
    """A sandbox cannot be built; one line says why."""


@dataclass(frozen=True)
class Sandbox:
    """A sandbox: the schema, and the folder for what dbt needs and leaves."""

    schema: str

    @classmethod
    def of(cls, user: str) -> Sandbox:
        """The sandbox of a user, whatever characters the name has."""
        name = re.sub(r"[^a-z0-9]+", "_", user.lower()).strip("_")
        if not name:
            raise SandboxError("the sandbox's name needs a letter or a digit")
        return cls(f"sandbox_{name}"[:LONGEST_NAME])

    @property
    def folder(self) -> Path:
        return state_folder() / "sandboxes" / self.schema

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def target(self) -> Path:
        return self.folder / "target"


@dataclass(frozen=True)
class Node:
    """What became of one model, seed or test."""

    kind: str
    name: str
    is_ok: bool
    is_broken: bool
    seconds: float
    message: str


def build(
    url: str, sandbox: Sandbox, project: Path = DBT_PROJECT, tell: Callable[[Sequence[str]], None] = lambda _: None
) -> list[Node]:
    """Build the changed models and their children afresh and test them; `tell` hears first which ones these are.

    Raises
    ------
    SandboxError
        If nothing is published, nothing has changed, or the project cannot be read. The old sandbox stays then.
    """
    night, selection, manifest = _compare(url, sandbox, project)
    selected = [*_common(sandbox, project, night), "--state", str(sandbox.state), "--select", *selection]
    with dbt.credentials(url, KEHU_DBT_SANDBOX=sandbox.schema, PGOPTIONS="-c statement_timeout=15min"):
        listed = invoke(["ls", *selected, *KINDS, "--output", "json", "--output-keys", *LISTED], manifest)
        nodes = [json.loads(line) for line in listed.result]
        if not nodes:
            raise SandboxError(f"nothing has changed since the published night {night.as_of_date} (run {night.run_id})")
        tell([node["name"] for node in nodes if node["resource_type"] in ("model", "seed")])
        _recreate(url, sandbox, night)
        built = invoke(["build", *selected, "--defer", "--favor-state"], manifest)
    return [_node(result) for result in built.result.results]


def drop(url: str, sandbox: Sandbox) -> bool:
    """Remove the sandbox; True if there was one."""
    shutil.rmtree(sandbox.folder, ignore_errors=True)
    with _as_builder(url, sandbox) as connection:
        return _drop(connection, sandbox)


def built_on(url: str, sandbox: Sandbox) -> int | None:
    """The run whose published rows the sandbox was built on; None if it is not built."""
    with psycopg.connect(url) as connection:
        query = "select obj_description(to_regnamespace(%s), 'pg_namespace')"
        (comment,) = connection.execute(query, [sandbox.schema]).fetchone() or (None,)
    found = re.search(r"\d+$", comment or "")
    return int(found[0]) if found else None


def begun_since(url: str, night: Night) -> int | None:
    """The newest run, if it is not the published night's: it may have rebuilt the layers that runs share."""
    newest = newest_run_id(url)
    return newest if newest != night.run_id else None


def published(url: str) -> Night:
    """The published night.

    Raises
    ------
    SandboxError
        If there is none yet.
    """
    night = published_night(url)
    if night is None:
        raise SandboxError("nothing is published yet: `make run` first")
    return night


def _recreate(url: str, sandbox: Sandbox, night: Night) -> None:
    name = sql.Identifier(sandbox.schema)
    with _as_builder(url, sandbox) as connection:
        _drop(connection, sandbox)
        connection.execute(sql.SQL("create schema {}").format(name))
        comment = sql.Literal(f"Changed models and their children, built on run {night.run_id}")
        connection.execute(sql.SQL("comment on schema {} is {}").format(name, comment))


def _drop(connection: Connection, sandbox: Sandbox) -> bool:
    present = connection.execute("select to_regnamespace(%s)", [sandbox.schema]).fetchone() != (None,)
    if present:
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(sandbox.schema)))
    return present


@contextmanager
def _as_builder(url: str, sandbox: Sandbox) -> Iterator[Connection]:
    try:
        with psycopg.connect(url) as connection:
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(BUILDER)))
            yield connection
    except InsufficientPrivilege:
        raise SandboxError(f"{sandbox.schema} is no sandbox, or you are no member of {BUILDER}") from None


def _compare(url: str, sandbox: Sandbox, project: Path) -> tuple[Night, list[str], Manifest]:
    """The published night, what dbt selects of the project against it, and the project as dbt read it."""
    night = published(url)
    known = kept(url, night)
    if known is None:
        raise SandboxError(f"run {night.run_id} is from before nights kept their models: `make run` once")
    write_state(sandbox.state, night, known)
    with dbt.credentials(url, KEHU_DBT_SANDBOX=sandbox.schema):
        manifest = invoke(["parse", *_common(sandbox, project, night)]).result
    others = models_reading(load(sandbox.target), changed_parameters(known, project))
    return night, ["state:modified+", *(f"{name}+" for name in others)], manifest


def _common(sandbox: Sandbox, project: Path, night: Night) -> list[str]:
    values = json.dumps(dbt.variables(night))
    return [*dbt.flags(sandbox.target, project), "--target", "sandbox", "--vars", values]


def invoke(command: list[str], manifest: Manifest | None = None) -> Any:
    """Run one dbt command in process; an error of dbt itself becomes one line."""
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner(manifest=manifest).invoke(command)
    if outcome.exception is not None:
        raise SandboxError(" ".join(str(outcome.exception).split()))
    return outcome


def _node(result: Any) -> Node:
    kind, status = result.node.resource_type.value, result.status
    rows = (result.adapter_response or {}).get("rows_affected") or 0
    is_broken = status in dbt.BROKEN
    if is_broken:
        # The rows of a unit test are the ones written in it.
        said = result.message if (kind, status) == ("unit_test", "fail") else dbt.message(result)
    else:
        said = f"{rows:,} rows" if status == "success" and rows > 0 else ""
    return Node(kind, result.node.name, status in ("success", "pass"), is_broken, result.execution_time, said.strip())
