"""Shops small enough to reckon with by hand."""

from __future__ import annotations

import csv
import gzip
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import yaml

from kehu.paths import PROJECT
from kehu.sources.config import load
from kehu.sources.files import FilesSource
from kehu.sources.kinds import settings_of

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
FIRST_DAY = date(2024, 1, 1)


@dataclass
class SmallShop:
    """A folder of daily files; `rows[day]` may be changed before `write`."""

    folder: Path
    days: int = 30
    customers: int = 80
    seed: int = 7
    rows: dict[date, list[list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        random_numbers = random.Random(self.seed)
        number = 500000
        for offset in range(self.days):
            day = FIRST_DAY + timedelta(days=offset)
            lines = []
            # A day without sales has its header only.
            buyers = [] if offset == 6 else [c for c in range(self.customers) if random_numbers.random() < 0.1]
            for customer in buyers:
                number += 1
                for line in range(random_numbers.randint(1, 3)):
                    price = f"{random_numbers.randint(50, 999) / 100:.2f}"
                    quantity = str(random_numbers.randint(1, 12))
                    code = str(10000 + random_numbers.randint(0, 20))
                    time = f"{day} {9 + line:02d}:15:00"
                    lines.append(
                        [str(number), code, f"THING {code}", quantity, time, price, str(1000 + customer), "France"]
                    )
            self.rows[day] = lines

    @property
    def last_day(self) -> date:
        return FIRST_DAY + timedelta(days=self.days - 1)

    def path(self, day: date) -> Path:
        return self.folder / f"order_lines_{day}.csv.gz"

    @property
    def sources(self) -> Path:
        return self.folder.parent / "sources.yml"

    @property
    def source(self) -> FilesSource:
        configured = load(self.sources)["shop"]
        return FilesSource("shop", settings_of(configured))

    def write(self) -> SmallShop:
        self.folder.mkdir(parents=True, exist_ok=True)
        # What a shop's file looks like is said once, in the project's own file.
        shop = yaml.safe_load((PROJECT / "sources.yml").read_text())["sources"]["shop"]
        shop |= {"location": str(self.folder), "entities": {"order_lines": shop["entities"]["order_lines"]}}
        self.sources.write_text(yaml.safe_dump({"last_night": self.last_day, "sources": {"shop": shop}}))
        for day in self.rows:
            self.write_day(day)
        return self

    def write_day(self, day: date) -> None:
        with gzip.open(self.path(day), "wt", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([HEADER, *self.rows[day]])

    def replace_bytes(self, day: date, content: bytes) -> None:
        self.path(day).write_bytes(gzip.compress(content))

    def plain(self, day: date) -> bytes:
        return gzip.decompress(self.path(day).read_bytes())
