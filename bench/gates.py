"""`make bench-gates`: corruptions of a day's file through the raw gate, and clean nights; prints a table and JSON."""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import psycopg

from bench.gates_clean import measure_clean
from bench.gates_corruptions import CORRUPTIONS, Corruption, Lines
from expectations.gate import GateError
from expectations.raw_gate import check_raw
from kehu.local.environment import with_database
from kehu.local.home import Home
from kehu.local.postgres import ensure_server, remove_server
from kehu.sources.config import load
from kehu.sources.contract import SourceError
from kehu.sources.files import FilesSource
from kehu.sources.kinds import settings_of
from kehu.sources.nights import newest_night
from kehu.warehouse.migrate import migrate
from kehu.warehouse.runs import open_night
from world.generate import generate

NOT_MEASURED = (3, 7, 19, 20, 21, 22, 23, 27, 28, 37, 40)


class Gates:
    """A shop that was accepted up to the night before the last; each try works on a copy of that warehouse."""

    def __init__(self, server: str, sources: Path) -> None:
        self.server, self.sources = server, sources
        configured = load(sources)
        self.last = newest_night(configured)
        self.settings = settings_of(configured["shop"])
        self.folder = Path(self.settings.location)
        self.original = self.path(self.last).read_bytes()
        self.base = self._database("create database base")
        migrate(self.base)
        self.night(self.base, self.last - timedelta(days=1))

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type, unused-ignore]

    def _database(self, statement: str) -> str:
        self._execute(statement)
        return with_database(self.server, statement.split()[2])

    def path(self, day: date) -> Path:
        return self.folder / f"order_lines_{day}.csv.gz"

    def lines(self) -> Lines:
        return list(csv.reader(io.StringIO(gzip.decompress(self.original).decode())))

    def night(self, url: str, day: date) -> str:
        """Land and check one night: what the gate said, by the worst of its letters."""
        night = open_night(url, day, "bench")
        try:
            FilesSource("shop", self.settings).ingest(url, "order_lines", night)
            counts = check_raw(url, night)
        except (SourceError, GateError):
            return "B"
        if counts.quarantined:
            return "Q"
        warned = "select exists (select from ops.quality_results where run_id = %s and not is_passed)"
        with psycopg.connect(url) as connection:
            row = connection.execute(warned, [night.run_id]).fetchone()
        return "W" if row and row[0] else "-"

    def attempt(self, content: bytes | None) -> str:
        """The last night with `content` as its file."""
        path = self.path(self.last)
        # Great Expectations keeps its connections; a database that is in use is not copied.
        self._execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'base'")
        url = self._database("create database attempt template base")
        try:
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(gzip.compress(content))
            return self.night(url, self.last)
        finally:
            path.write_bytes(self.original)
            self._execute("drop database attempt with (force)")


def measure(gates: Gates, corruptions: tuple[Corruption, ...]) -> list[dict]:
    """One row per corruption: what was wanted at the stated magnitude, what came at each, and from where on."""
    lines = gates.lines()
    yesterday = gzip.decompress(gates.path(gates.last - timedelta(days=1)).read_bytes())
    rows = []
    for one in corruptions:
        sizes = sorted({*one.magnitudes, one.stated})
        seen = {size: gates.attempt(one.spoil(lines, yesterday, size)) for size in sizes}
        found = [size for size in sizes if seen[size] == one.wanted]
        rows.append(
            {
                "number": one.number, "name": one.name, "wanted": one.wanted, "stated": one.stated,
                "is_as_wanted": seen[one.stated] == one.wanted, "seen": seen, "found_at": found,
            }
        )  # fmt: skip
        say(f"{one.number:>3} {one.name:<28} {one.wanted} {'yes' if rows[-1]['is_as_wanted'] else 'NO ':<4} {seen}")
    return rows


@contextmanager
def warehouse(customers: int, days: int) -> Iterator[Gates]:
    """A linked world whose shop has only its last `days` days, on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KEHU_HOME"] = f"{folder}/home"
        generate(customers, 1, Path(folder) / "world")
        sources = Path(folder) / "world" / "sources.yml"
        shop = Path(folder) / "world" / "sources" / "shop"
        for old in sorted(shop.glob("order_lines_*"))[:-days]:
            old.unlink()
        home = Home.from_environment().create()
        try:
            yield Gates(ensure_server(home).dsn(home.secrets()["postgres_password"], "postgres"), sources)
        finally:
            remove_server(home)
            shutil.rmtree(home.root, ignore_errors=True)


def say(text: str) -> None:
    """Tell a person what was measured."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure corruptions and clean nights."""
    parser = argparse.ArgumentParser(prog="bench.gates")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--nights", type=int, default=200)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of corruptions")
    options = parser.parse_args()
    chosen = tuple(one for one in CORRUPTIONS if options.only is None or one.number in options.only)
    with warehouse(options.customers, options.nights + 36) as gates:
        unspoilt = gates.attempt(gzip.decompress(gates.original))
        say(f"the file as it is: {unspoilt}")
        rows = measure(gates, chosen)
        clean = measure_clean(gates.base, gates.last - timedelta(days=1), options.nights) if options.nights else None
    caught = {row["number"] for row in rows} - {row["number"] for row in rows if not row["is_as_wanted"]}
    result = {"unspoilt": unspoilt, "as_wanted": len(caught), "of": 40, "not_measured": NOT_MEASURED, "clean": clean}
    print(json.dumps(result | {"corruptions": rows}, indent=1))


if __name__ == "__main__":
    main()
