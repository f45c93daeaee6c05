"""Run every linter, print only what they object to, and fail if one does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PARSED = PROJECT / ".kehu" / "lint"
DBT = ["--project-dir", "dbt_project", "--profiles-dir", "dbt_project", "--target-path", str(PARSED)]

CHECKS: dict[str, list[str]] = {
    "ruff format": ["ruff", "format", "--check", "."],
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy"],
    "import contracts": ["lint-imports"],
    "sqlfluff": ["sqlfluff", "lint", "dbt_project/models", "dbt_project/tests"],
    "dbt parse": ["dbt", "--warn-error", "parse", *DBT, "--log-path", str(PARSED), "--no-partial-parse"],
    "dbt conventions": ["dbt-bouncer", "run"],
    "contracts of the marts": ["python", "tools/contracts.py"],
    "registry of tags": ["python", "tools/tags.py"],
    "registry of lists": ["python", "tools/lists.py"],
    "metrics": ["python", "tools/metrics.py", "check"],
    "compose": ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
    "Dockerfile": ["hadolint", "--failure-threshold", "warning", "Dockerfile"],
}


def run(name: str, command: Sequence[str]) -> bool:
    """Run one check, print what it objects to; whether it was content."""
    # A wide terminal, so that dbt-bouncer's table can be read.
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "DO_NOT_TRACK": "1",
        "COLUMNS": "180",
    }
    PARSED.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    is_ok = done.returncode == 0
    objections = "" if is_ok else f"\n{done.stdout}{done.stderr}"
    print(f"{'ok    ' if is_ok else 'failed'} {name}{objections}", flush=True)
    return is_ok


def main() -> int:
    """Run the checks in order; return 1 if any failed."""
    return 0 if all([run(name, command) for name, command in CHECKS.items()]) else 1


if __name__ == "__main__":
    sys.exit(main())
