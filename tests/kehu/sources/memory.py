"""A source in memory, and what the warehouse knows of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import psycopg

from kehu.sources.contract import Outcome, SourceUnavailable, Version


class MemoryReader:
    """A `RecordReader` whose records are changed by the test; `now` is the source's clock in minutes."""

    def __init__(self, lag: int = 0, tells_deletions: bool = True, page: int = 2, counts: bool = True) -> None:
        self.lag, self.tells_deletions, self.page, self.counts = lag, tells_deletions, page, counts
        self.now = 0
        self.versions: dict[str, Version] = {}
        self.asked: list[str] = []
        self.fails_after: int | None = None
        self.is_complete = False

    def put(self, key: str, value: object, at: int | None = None) -> None:
        self.versions[key] = Version(key, json.dumps({"v": value}), moment(self.now if at is None else at))

    def delete(self, key: str) -> None:
        self.versions[key] = Version(key, None, moment(self.now), is_deleted=True)

    def purge(self, key: str) -> None:
        """Delete without a trace."""
        del self.versions[key]

    @property
    def living(self) -> dict[str, object]:
        return {key: json.loads(one.record)["v"] for key, one in self.versions.items() if not one.is_deleted}

    def read(self, entity, state):
        self.asked.append("read")
        since = moment(state["now"] - self.lag) if state and not self.is_complete else None
        rows = [
            one
            for one in self.versions.values()
            if (since is None or one.changed_at > since) and (self.tells_deletions or not one.is_deleted)
        ]
        for place, start in enumerate(range(0, len(rows), self.page)):
            if self.fails_after == place:
                break
            yield rows[start : start + self.page]
        if self.fails_after is not None:
            raise SourceUnavailable("test", entity, "it stopped in the middle")
        return Outcome({"now": self.now}, self.is_complete)

    def keys(self, entity):
        self.asked.append("keys")
        keys = list(self.living)
        for start in range(0, len(keys), self.page):
            yield keys[start : start + self.page]

    def fetch(self, entity, record_ids):
        self.asked.append("fetch")
        yield [self.versions[key] for key in record_ids if key in self.living]

    def count(self, entity):
        return len(self.living) if self.counts else None

    def close(self):
        pass


def moment(minutes: int) -> datetime:
    return datetime.fromisoformat("2024-01-01T00:00:00+00:00") + timedelta(minutes=minutes)


def versions(url: str, table: str = "raw_test.things") -> list[tuple]:
    """All that landed, in order: id, value (None: a deletion)."""
    query = f"""
        select _record_id, case when not _is_deleted then record -> 'v' end from {table} order by _load_id, _row_number
    """
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def newest(url: str, table: str = "raw_test.things") -> dict:
    """What lives in the warehouse: id → value."""
    return {key: value for key, value in dict(versions(url, table)).items() if value is not None}


def ledger(url: str, source: str = "test") -> list[tuple]:
    """Of each load: rows read, rows landed, records that live here, records that live there."""
    query = "select count_read, count_rows, count_live, count_source from ops.loads where source = %s order by load_id"
    with psycopg.connect(url) as connection:
        return connection.execute(query, [source]).fetchall()
