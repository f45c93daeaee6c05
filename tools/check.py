"""Check what changed since the main branch, in seconds; `make lint` checks everything.

Changed models and SQL tests go through sqlfluff, changed Python through ruff. The dbt project is parsed, and its
conventions and contracts are checked as a whole, because a change may break them elsewhere.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tools.lint import CHECKS, PROJECT, run

BASES = ("origin/main", "main")
DBT_CHECKS = ("dbt parse", "dbt conventions", "contracts of the marts")
SQL = ("dbt_project/models/", "dbt_project/tests/")


def changed_files() -> list[str]:
    """The files that differ from where the branch left the main branch, new ones included, deleted ones not."""
    base = next((commit for commit in map(_merge_base, BASES) if commit), "HEAD")
    lines = _git("diff", "--name-only", "--diff-filter=d", base) + _git("ls-files", "--others", "--exclude-standard")
    return sorted(set(lines))


def commands(changed: Sequence[str]) -> dict[str, list[str]]:
    """The checks that the changed files call for."""
    python = [file for file in changed if file.endswith(".py")]
    sql = [file for file in changed if file.endswith(".sql") and file.startswith(SQL)]
    found = {}
    if python:
        found |= {"ruff format": ["ruff", "format", "--check", *python], "ruff": ["ruff", "check", *python]}
    if sql:
        found["sqlfluff"] = ["sqlfluff", "lint", "--processes", "2", *sql]
    if any(file.startswith("dbt_project/") for file in changed):
        # Unchanged files need not be read again.
        found |= {name: [word for word in CHECKS[name] if word != "--no-partial-parse"] for name in DBT_CHECKS}
    return found


def main() -> int:
    """Run the checks; return 1 if any failed."""
    began = time.monotonic()
    changed = changed_files()
    wanted = commands(changed)
    # dbt's three build on each other; what looks at single files runs beside them.
    beside = {name: command for name, command in wanted.items() if name not in DBT_CHECKS}
    with ThreadPoolExecutor(1) as pool:
        files = pool.submit(run_all, beside)
        is_ok = run_all({name: command for name, command in wanted.items() if name in DBT_CHECKS})
        is_ok = files.result() and is_ok
    print(f"{len(changed)} changed files, {time.monotonic() - began:.1f} s")
    return 0 if is_ok else 1


def run_all(checks: Mapping[str, Sequence[str]]) -> bool:
    """Run checks one after the other, also after one that failed."""
    return all([run(name, command) for name, command in checks.items()])


def _merge_base(branch: str) -> str | None:
    try:
        return next(iter(_git("merge-base", "HEAD", branch)), None)
    except subprocess.CalledProcessError:
        return None


def _git(*words: str) -> list[str]:
    return subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
