"""A source that is a database, on the tests' own server."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import psycopg

from kehu.local.environment import with_database
from kehu.sources.contract import Credentials
from kehu.sources.database import DatabaseReader, DatabaseSettings
from kehu.sources.records import Policy, ingest_records
from kehu.warehouse.runs import open_night
from tests.kehu.sources.memory import ledger

DAY = date(2024, 1, 1)
BY_TIME = {"key": "id", "cursor": "changed"}
NUMBERS = iter(range(1000))


class Shop:
    """A source that is a database of its own, and how one table of it is read."""

    def __init__(self, warehouse: str, uri: str) -> None:
        self.warehouse, self.uri = warehouse, uri

    def do(self, *statements: str) -> None:
        with psycopg.connect(self.uri) as connection:
            for statement in statements:
                connection.execute(statement)

    def reader(self, uri: str | None = None, **entity) -> DatabaseReader:
        settings = {"entities": {"things": {"table": "things", "key": "id", **entity}}}
        return DatabaseReader("db", Credentials(uri=uri or self.uri), DatabaseSettings.model_validate(settings))

    def night(self, day: int = 0, uri: str | None = None, policy: Policy | None = None, **entity) -> tuple[int, int]:
        """Read one night; return rows read and landed."""
        night = open_night(self.warehouse, DAY + timedelta(days=day), "test")
        reader = self.reader(uri, **entity)
        try:
            counts = ingest_records(self.warehouse, "db", "things", reader, night, policy or Policy(reconcile_days=1))
        finally:
            reader.close()
        return counts.rows_in, counts.rows_out

    def landed(self) -> list[tuple[str, dict | None]]:
        """All versions in the order they landed; None is a deletion. Numbers as they are in the text of the record."""
        query = """
            select _record_id, case when not _is_deleted then record::text end
            from raw_db.things order by _load_id, _row_number
        """
        with psycopg.connect(self.warehouse) as connection:
            rows = connection.execute(query).fetchall()
        return [(key, text and json.loads(text, parse_float=Decimal)) for key, text in rows]

    def ids(self) -> list[str]:
        """The ids that landed, in order; a deletion has a minus before it."""
        return [key if record else f"-{key}" for key, record in self.landed()]

    def newest(self) -> dict[str, dict]:
        return {key: record for key, record in dict(self.landed()).items() if record}

    def ledger(self) -> list[tuple]:
        return ledger(self.warehouse, "db")


def shop_of(url: str, server_url: str) -> Shop:
    """A fresh database beside the warehouse."""
    name = f"shop_{next(NUMBERS)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return Shop(url, with_database(server_url, name))


def timed_shop(shop: Shop) -> Shop:
    """1 changed at 00:00, 2 at 01:00, 3 at 02:00."""
    shop.do(
        "create table things (id integer primary key, v text, changed timestamptz)",
        "insert into things select n, 'v' || n, '2024-01-01 00:00+00'::timestamptz + (n - 1) * interval '1 hour'"
        " from generate_series(1, 3) as n",
    )
    return shop
