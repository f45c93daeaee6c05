"""The sources' file of a world: what the pipeline is told of its files, made from the one table of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import yaml

from world.layout import ENTITIES, ORDER_HEADER, Entity

SPARSE_DAYS = None  # a day without a file means that nothing happened, so any age is right


def sources(last_night: date, location: str, sparse_days: int | None = SPARSE_DAYS) -> dict[str, Any]:
    """The content of a sources' file whose folders lie below `location`.

    `sparse_days` is how many days an entity without a file each day may lie behind the night.
    """
    names = dict.fromkeys(entity.source for entity in ENTITIES)
    return {
        "last_night": last_night,
        "sources": {
            name: {
                "kind": "files",
                "location": f"{location}/{name}",
                "required": name == "shop",
                "max_age_days": sparse_days,
                "entities": {one.name: _entity(one) for one in ENTITIES if one.source == name},
            }
            for name in names
        },
    }


def write_sources(folder: Path, last_night: date) -> Path:
    """Write `sources.yml` beside a world's `sources/`; return its path."""
    path = folder / "sources.yml"
    path.write_text(yaml.safe_dump(sources(last_night, "sources"), sort_keys=False), encoding="utf-8")
    return path


def _entity(entity: Entity) -> dict[str, Any]:
    date_part = "_{date}" if entity.is_daily else ""
    told: dict[str, Any] = {"format": entity.format, "pattern": f"{entity.name}{date_part}.{entity.format}"}
    if entity.name == "order_lines":
        told |= {"every_day": True, "max_age_days": 0, "columns": ORDER_HEADER.split(",")}
    if entity.format == "jsonl":
        told |= {"key": entity.key, "changed_at": entity.changed_at}
    return told | ({"deleted": entity.deleted} if entity.deleted else {})
