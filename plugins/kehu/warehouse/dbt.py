"""What everything that runs dbt shares: credentials from a URL, the project's flags, failures without values."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from kehu.paths import DBT_PROJECT, state_folder
from kehu.warehouse.roles import role_of
from kehu.warehouse.runs import Night

BROKEN = ("error", "fail", "runtime error")


def variables(night: Night) -> dict[str, str]:
    """The variables that make the models those of one night."""
    return {
        "as_of_date": night.as_of_date.isoformat(),
        "run_schema": night.schema,
        "code_version": code_version(),
    }


def code_version(project: Path = DBT_PROJECT) -> str:
    """A hash of all that a model's rows are made by; where it is another one, kept models are worked out anew."""
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
    query = parse_qs(parts.query)
    return {
        "KEHU_DBT_HOST": parts.hostname or "127.0.0.1",
        "KEHU_DBT_PORT": str(parts.port or 5432),
        "KEHU_DBT_USER": unquote(parts.username or ""),
        "DBT_ENV_SECRET_KEHU_PASSWORD": unquote(parts.password or ""),
        "KEHU_DBT_DATABASE": parts.path.lstrip("/"),
        "KEHU_DBT_ROLE": role_of(url),
        # libpq reads these itself.
        **{f"PG{name.upper()}": query[name][-1] for name in ("sslmode", "sslrootcert") if name in query},
        "DO_NOT_TRACK": "1",
    }


@contextmanager
def credentials(url: str, **more: str) -> Iterator[None]:
    """The process's environment with what `profiles.yml` reads, and `more`, for as long as dbt runs."""
    before = dict(os.environ)
    os.environ.update(environment(url) | more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def flags(target: Path, project: Path = DBT_PROJECT) -> list[str]:
    """Where dbt finds the project and leaves what it makes of it, and that it tells nothing itself."""
    paths = ["--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(target)]
    # dbt's own events quote rows (a driver's DETAIL); what we tell of the nodes does not.
    quiet = ["--log-level", "none", "--log-level-file", "none"]
    return [*paths, "--log-path", str(state_folder() / "logs" / "dbt"), *quiet]


def describe(failed: Sequence[Any]) -> str:
    """One line on the first node that failed."""
    if not failed:
        return "dbt failed before any node ran"
    others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    first = failed[0]
    return f"dbt {first.node.resource_type} {first.node.name}: {message(first)}{others}"


def message(result: Any) -> str:
    """Why a node failed: no DETAIL, which quotes rows, and no value that would not fit its type."""
    lines = (result.message or "").strip().splitlines()
    # dbt sets out as a table which columns are not as the contract says.
    table = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines if "|" in line]
    if table[:1] and table[0][0] == "column_name":
        columns = "; ".join(f"{row[0]} {row[-1]}" for row in table[2:])
        return f"the columns are not those of the contract: {columns}"
    return without_values(" ".join(map(str.strip, lines[:2])))


def without_values(text: str) -> str:
    """PostgreSQL's message on a value that does not fit its type, without the value."""
    if re.search(r"invalid input|invalid value|out of range|is not valid|malformed", text):
        return re.sub(r'".*"', '"…"', text, flags=re.DOTALL)
    return re.sub(r': "[^"]*"', ': "…"', text)
