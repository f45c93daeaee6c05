"""The state that a sandbox is held against: the models of the published night, and where their rows are read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kehu.warehouse.manifests import Kept, parameters
from kehu.warehouse.runs import Night

Manifest = Mapping[str, Any]


def write_state(folder: Path, night: Night, kept: Kept) -> None:
    """Write the night's manifest for dbt's `--state`, its marts where everybody reads them.

    A run's own table has one column more than its model (`run_id`) and goes when the run is retired; the view of
    `marts` has the model's columns.
    """
    for node in kept.manifest["nodes"].values():
        if node.get("schema") == night.schema and node.get("relation_name"):
            node["schema"] = "marts"
            node["relation_name"] = node["relation_name"].replace(f'"{night.schema}"', '"marts"')
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(kept.manifest), encoding="utf-8")


def load(folder: Path) -> dict[str, Any]:
    """The manifest in a folder."""
    return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))


def changed_parameters(kept: Kept, project: Path) -> list[str]:
    """The business parameters (`vars`) whose value is not that of the night; dbt's own comparison leaves them out."""
    now = json.loads(json.dumps(parameters(project), default=str))
    return sorted(name for name in {*kept.parameters, *now} if kept.parameters.get(name) != now.get(name))


def models_reading(manifest: Manifest, names: Iterable[str]) -> list[str]:
    """The models whose own code, or a macro that it calls, reads one of these parameters."""
    wanted = "|".join(map(re.escape, names))
    if not wanted:
        return []
    reads = re.compile(rf"""\bvar\(\s*["']({wanted})["']""")
    macros = {name for name, macro in manifest["macros"].items() if reads.search(macro["macro_sql"])}
    callers = _callers(manifest, macros)
    return sorted(
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and (reads.search(node["raw_code"]) or callers.intersection(node["depends_on"]["macros"]))
    )


def _callers(manifest: Manifest, macros: set[str]) -> set[str]:
    """These macros and all that call them, over any number of steps."""
    found: set[str] = set()
    more = set(macros)
    while more:
        found |= more
        calls = {name: found.intersection(macro["depends_on"]["macros"]) for name, macro in manifest["macros"].items()}
        more = {name for name, called in calls.items() if called} - found
    return found
