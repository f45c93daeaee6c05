"""A linked world that was accepted up to the night before the last, to be spoilt and judged again and again."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench.gates_corruption import Corruption, Packed
from expectations.gate import GateError
from expectations.raw_gate import check_raw
from kehu.local.environment import with_database
from kehu.local.home import Home
from kehu.local.postgres import ensure_server, remove_server
from kehu.sources.config import load
from kehu.sources.contract import SourceError
from kehu.sources.kinds import declare, ingest, settings_of
from kehu.sources.nights import newest_night
from kehu.warehouse.migrate import migrate
from kehu.warehouse.runs import Night, open_night
from world.generate import generate

# What a night failed, by table and rule, with how many rows of it.
FAILED = """
select table_name, expectation, severity, coalesce(count_unexpected, 1) from ops.quality_results
where run_id = %s and not is_passed
"""
Failed = dict[tuple[str, str, str], int]


class Gates:
    """Databases on one server: `base` has everything but the last night; each attempt works on a copy of it."""

    def __init__(self, server: str, sources: Path) -> None:
        self.server = server
        self.sources = load(sources)
        self.last = newest_night(self.sources)
        self.kept: dict[Path, bytes] = {}
        self.base = self.database("create database base")
        migrate(self.base)
        self.land(self.base, self.last - timedelta(days=1), [source.name for source in self.sources])
        # What fails on the night as it is, by the source that is read beside shop and payments.
        self.usual: dict[str, Failed] = {}

    def database(self, statement: str) -> str:
        """Run a statement that makes a database; return its URL."""
        self.execute(statement)
        return with_database(self.server, statement.split()[2])

    def execute(self, statement: str) -> None:
        """Run a statement outside of any database of a world."""
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type, unused-ignore]

    def path(self, entity: tuple[str, str], day: date) -> Path:
        """One day's file of an entity."""
        settings = settings_of(self.sources[entity[0]])
        name = settings.entities[entity[1]].pattern.replace("{date}", day.isoformat())
        return Path(settings.location) / f"{name}.gz"

    def content(self, entity: tuple[str, str], day: date) -> bytes:
        """What that file has, unspoilt."""
        path = self.path(entity, day)
        return gzip.decompress(self.kept.get(path) or path.read_bytes())

    def rows(self, entity: tuple[str, str], day: date) -> list[Any]:
        """The same as lines of cells or as records."""
        text = self.content(entity, day).decode()
        if entity == ("shop", "order_lines"):
            return list(csv.reader(io.StringIO(text)))
        return [json.loads(line) for line in text.splitlines()]

    def land(self, url: str, day: date, sources: list[str]) -> Night:
        """Land and check a night of these sources; `SourceError` and `GateError` as they come."""
        night = open_night(url, day, "bench")
        for name in sources:
            ingest(url, self.sources[name], None, night)
        check_raw(url, night)
        return night

    def attempt(
        self, files: Mapping[Path, bytes | Packed | None], source: str, again: bool = False
    ) -> tuple[str, Failed]:
        """The last night with these files in place of its own: what the gates said by the worst letter, and by rule."""
        # Great Expectations keeps its connections; a database that is in use is not copied.
        self.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'base'")
        url = self.database("create database attempt template base")
        try:
            for path, content in files.items():
                self._replace(path, content)
            sources = list(dict.fromkeys(["payments", source, "shop"]))
            said = self._night(url, sources, source)
            if again:
                before = _loads(url)
                for path in files:
                    os.utime(path, (0, 0))
                said = self._night(url, sources, source) if _loads(url) == before else ("landed twice", {})
            return said
        finally:
            self._put_back()
            self.execute("drop database attempt with (force)")

    def spoilt(self, one: Corruption, size: float) -> dict[Path, bytes | Packed | None]:
        """The files that a corruption spoils, at one magnitude."""
        days = [self.last - timedelta(days=int(size))] if one.is_late else _days(self.last, one.days)
        made = {}
        for day in days:
            other: Any = (
                self.content(one.entity, day - timedelta(days=1))
                if one.entity == ("shop", "order_lines")
                else self._before(one.entity, day)
            )
            made[self.path(one.entity, day)] = one.spoil(self.rows(one.entity, day), other, size)
        return made

    def _before(self, entity: tuple[str, str], day: date) -> list[Any]:
        folder, found = self.path(entity, day).parent, []
        for path in sorted(folder.glob(f"{entity[1]}_*.jsonl.gz")):
            if path < self.path(entity, day):
                found += [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        return found

    def unspoilt(self, source: str) -> Failed:
        """What the last night fails as it is."""
        if source not in self.usual:
            self.usual[source] = self.attempt({}, source)[1]
        return self.usual[source]

    def _night(self, url: str, sources: list[str], source: str) -> tuple[str, Failed]:
        try:
            night = self.land(url, self.last, sources)
        except (SourceError, GateError) as error:
            return "B", {("", type(error).__name__, str(error).partition(": ")[2][:60]): 1}
        with psycopg.connect(url) as connection:
            rows = connection.execute(FAILED, [night.run_id]).fetchall()
            refused = "select exists (select from ops.loads where run_id = %s and status = 'rejected')"
            is_refused = connection.execute(refused, [night.run_id]).fetchone()
        failed = {(table, rule, severity): count for table, rule, severity, count in rows}
        new = {key: count for key, count in failed.items() if count > self.usual.get(source, {}).get(key, 0)}
        severities = {severity for _, _, severity in new}
        if is_refused and is_refused[0]:
            return "B", new
        letter = "Q" if "quarantine" in severities else "W" if "warn" in severities else "-"
        return letter, new

    def _replace(self, path: Path, content: bytes | Packed | None) -> None:
        self.kept[path] = path.read_bytes()
        path.unlink()
        if content is not None:
            path.write_bytes(content if isinstance(content, Packed) else gzip.compress(content))

    def _put_back(self) -> None:
        for path, content in self.kept.items():
            path.write_bytes(content)
        self.kept.clear()


def clean_nights(gates: Gates, nights: int) -> dict[str, Any]:
    """The last nights one by one, all sources and all checks: what blocked, warned, or was set aside."""
    url = gates.database("create database nights")
    migrate(url)
    names = [source.name for source in gates.sources]
    for source in gates.sources:
        declare(url, source)
    gates.land(url, gates.last - timedelta(days=nights), names)
    found: Counter[str] = Counter()
    for day in reversed(_days(gates.last, nights)):
        with suppress(GateError):
            night = gates.land(url, day, names)
            with psycopg.connect(url) as connection:
                found.update(
                    f"{severity}: {rule}" for _, rule, severity, _ in connection.execute(FAILED, [night.run_id])
                )
            continue
        found["block: the night"] += 1
    gates.execute("drop database nights with (force)")
    blocks = found["block: the night"]
    warnings = sum(count for name, count in found.items() if name.startswith("warn"))
    return {"nights": nights, "blocks": blocks, "warnings": warnings, "by": dict(found)}


@contextmanager
def warehouse(customers: int, days: int) -> Iterator[Gates]:
    """A linked world whose daily sources have only their last `days` days, on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KEHU_HOME"] = f"{folder}/home"
        generate(customers, 1, Path(folder) / "world")
        # Contacts stay whole: what comes back after its deletion is older than the days that are kept.
        for entity in (Path(folder) / "world" / "sources").rglob("*_20??-??-??.*"):
            if entity.parent.name != "zoho_crm" and _day(entity) <= date(2024, 12, 31) - timedelta(days=days):
                entity.unlink()
        home = Home.from_environment().create()
        try:
            dsn = ensure_server(home).dsn(home.secrets()["postgres_password"], "postgres")
            yield Gates(dsn, Path(folder) / "world" / "sources.yml")
        finally:
            remove_server(home)
            shutil.rmtree(home.root, ignore_errors=True)


def _day(path: Path) -> date:
    return date.fromisoformat(path.name.split(".")[0][-10:])


def _days(last: date, count: int) -> list[date]:
    return [last - timedelta(days=ago) for ago in range(count)]


def _loads(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from ops.loads").fetchone()
    return int(row[0]) if row else 0
