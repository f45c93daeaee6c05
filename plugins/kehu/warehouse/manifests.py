"""What dbt knew of the models of each kept run: the manifest, and the marts' keys, relations and personal columns.

Sandboxes compare an analyst's models with the manifest of the published run. It lies in the warehouse, so that it
moves with the pointer and is there for everybody who may read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml

from kehu.paths import DBT_PROJECT
from kehu.warehouse.runs import Night

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Kept:
    """The manifest of a run, and the business parameters of its project."""

    manifest: dict[str, Any]
    parameters: dict[str, Any]


def keep(url: str, night: Night, manifest_file: Path, project: Path = DBT_PROJECT) -> None:
    """Keep the manifest of the night's models, and the keys, relations and personal columns that it tells of."""
    text = manifest_file.read_text(encoding="utf-8")
    manifest = json.loads(text)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.manifests where run_id = %s", [night.run_id])
        cursor.execute(
            "insert into ops.manifests (run_id, manifest, parameters) values (%s, %s, %s)",
            [night.run_id, text, json.dumps(parameters(project), default=str)],
        )
        cursor.executemany(
            "insert into ops.mart_keys (run_id, mart, position, column_name) values (%s, %s, %s, %s)",
            [
                (night.run_id, node["name"], position, column)
                for node in _marts(manifest, night)
                for position, column in enumerate(primary_key(node), 1)
            ],
        )
        cursor.executemany(
            "insert into ops.mart_relations (run_id, mart, column_name, to_mart, to_column)"
            " values (%s, %s, %s, %s, %s) on conflict do nothing",
            [(night.run_id, *relation) for relation in _relations(manifest, night)],
        )
        cursor.executemany(
            "insert into ops.mart_personal (run_id, mart, column_name, kind) values (%s, %s, %s, %s)",
            [
                (night.run_id, node["name"], column, kind)
                for node in _marts(manifest, night)
                for column, kind in personal_columns(node).items()
            ],
        )


def kept(url: str, night: Night) -> Kept | None:
    """What was kept of a night's models; None of a run from before they were kept."""
    query = "select manifest, parameters from ops.manifests where run_id = %s"
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [night.run_id]).fetchone()
    return Kept(json.loads(row[0]), row[1]) if row else None


def parameters(project: Path) -> dict[str, Any]:
    """The business parameters (`vars`) of a dbt project, as they are written down."""
    settings = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    return dict(settings.get("vars") or {})


def primary_key(node: Manifest) -> list[str]:
    """The columns of a model's primary key by its contract; none where it has none."""
    for constraint in node.get("constraints") or []:
        if constraint["type"] == "primary_key":
            return list(constraint["columns"])
    return [
        column["name"]
        for column in node["columns"].values()
        if any(constraint["type"] == "primary_key" for constraint in column.get("constraints") or [])
    ]


def personal_columns(node: Manifest) -> dict[str, str]:
    """The columns of a model or source that are declared personal, and what each holds."""
    told = {
        name: {**column.get("meta", {}), **(column.get("config") or {}).get("meta", {})}.get("personal")
        for name, column in node["columns"].items()
    }
    return {name: str(kind) for name, kind in told.items() if kind}


def _marts(manifest: Manifest, night: Night) -> list[Manifest]:
    return [node for node in manifest["nodes"].values() if _is_mart(node, night)]


def _is_mart(node: Manifest, night: Night) -> bool:
    return bool(node["resource_type"] == "model" and node["schema"] == night.schema)


def _relations(manifest: Manifest, night: Night) -> Iterator[tuple[str, str, str, str]]:
    """Mart, column, other mart and its column, for each relationships test of all rows between two marts."""
    marts = {node["name"] for node in _marts(manifest, night)}
    for node in manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        owner = manifest["nodes"].get(node.get("attached_node"))
        if test.get("name") != "relationships" or owner is None or not _is_mart(owner, night):
            continue
        if (node.get("config") or {}).get("where"):  # holds for some rows only: an inner join would lose the others
            continue
        other = re.fullmatch(r"ref\(['\"](\w+)['\"]\)", test["kwargs"]["to"].strip())
        if other and other[1] in marts:
            yield owner["name"], node["column_name"], other[1], test["kwargs"]["field"]
