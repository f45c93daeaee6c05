"""The shapes of the marts that BI tools rely on, held against those of the last release.

`python tools/contracts.py` says what a release would break; with `--release` it writes down the shapes as released.
A mart may gain columns; one that goes, loses a column, or changes a column's type or its key comes out as `<mart>_v2`
beside the old one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"
RELEASED = PROJECT / "released_contracts.json"
FOLDERS = ("models/marts", "models/publish")
KEY = "primary key"  # listed among the columns; no column is called so
Shapes = Mapping[str, Mapping[str, str]]


def current_shapes(project: Path = PROJECT) -> dict[str, dict[str, str]]:
    """Column types by column by mart, and each mart's key, as the contracts say."""
    files = sorted(path for folder in FOLDERS for path in (project / folder).rglob("_*__models.yml"))
    models = [model for path in files for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])]
    return {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]} | _key(model)
        for model in sorted(models, key=lambda model: str(model["name"]))
    }


def _key(model: Mapping[str, Any]) -> dict[str, str]:
    constraints = [*model.get("constraints", [])]
    for column in model["columns"]:
        constraints += [{**constraint, "columns": [column["name"]]} for constraint in column.get("constraints", [])]
    keys = [", ".join(constraint["columns"]) for constraint in constraints if constraint["type"] == "primary_key"]
    return {KEY: keys[0]} if keys else {}


def breaks(released: Shapes, current: Shapes) -> list[str]:
    """One line for each promise of the last release that the current shapes do not keep."""
    found = []
    for mart, columns in released.items():
        if mart not in current:
            found.append(f"{mart}: the mart is gone")
            continue
        for column, kind in columns.items():
            if column not in current[mart]:
                found.append(f"{mart}.{column}: the {'key' if column == KEY else 'column'} is gone")
            elif current[mart][column] != kind:
                found.append(f"{mart}.{column}: was {kind}, is {current[mart][column]}")
    return found


def main(arguments: list[str]) -> int:
    """Check, or write the release; 1 if something would break."""
    current = current_shapes()
    if "--release" in arguments:
        RELEASED.write_text(json.dumps(current, indent=1) + "\n", encoding="utf-8")
        return 0
    found = breaks(json.loads(RELEASED.read_text(encoding="utf-8")), current)
    for line in found:
        print(f"{line}: keep it, or publish the new shape as a mart of its own that ends in _v2")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
