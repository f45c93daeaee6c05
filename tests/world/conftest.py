"""One world of 2,000 customers for the session, read once."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import pandas as pd
import pytest

from world.generate import generate
from world.layout import ENTITIES, Entity

START, END = date(2024, 1, 1), date(2024, 12, 31)
CUSTOMERS = 2000


@dataclass
class World:
    """A generated folder, read into memory."""

    folder: Path

    def truth(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "truth" / f"{name}.parquet")

    def files(self, entity: Entity) -> dict[str, Path]:
        """Day (or "" for one-off files) and path."""
        pattern = re.compile(entity.pattern.replace("YYYY-MM-DD", r"(\d{4}-\d{2}-\d{2})").replace(".", r"\.") + r"\.gz")
        found = {}
        for path in sorted((self.folder / "sources" / entity.source).iterdir()):
            match = pattern.fullmatch(str(path.relative_to(self.folder / "sources")))
            if match:
                found[match[1] if match.groups() else ""] = path
        return found

    @cached_property
    def rows(self) -> dict[tuple[str, str], list[tuple[str, dict]]]:
        """Day of the file and row, by source and entity; CSV rows as dictionaries."""
        rows = defaultdict(list)
        for entity in ENTITIES:
            for day, path in self.files(entity).items():
                if entity.format == "csv":
                    table = pd.read_csv(path, dtype=str, keep_default_na=False)
                    rows[entity.source, entity.name] += [(day, row) for row in table.to_dict("records")]
                else:
                    with gzip.open(path, "rt", encoding="utf-8") as lines:
                        rows[entity.source, entity.name] += [(day, json.loads(line)) for line in lines]
        return rows


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    generate(CUSTOMERS, 5, folder, START, END)
    return World(folder)
