"""Calls made per source and UTC day, kept in `ops.api_calls` to stay within a daily quota.

Each is its own transaction: a call counts also where the load it was made for is rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import psycopg


def add(url: str, source: str, day: date, n: int) -> int:
    """Add calls to a day's count and return the new count; exact also where many tasks add at once."""
    upsert = """
        insert into ops.api_calls as kept (source, call_date, count_calls) values (%s, %s, %s)
        on conflict (source, call_date) do update set count_calls = kept.count_calls + excluded.count_calls
        returning count_calls
    """
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(upsert, [source, day, n]).fetchone()
    assert row is not None
    return int(row[0])


def used(url: str, source: str, day: date) -> int:
    """How many calls a day has seen."""
    query = "select count_calls from ops.api_calls where source = %s and call_date = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query, [source, day]).fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True)
class DailyCalls:
    """The count of one source, as readers want it."""

    url: str = field(repr=False)
    source: str

    def add(self, day: date, n: int) -> int:
        return add(self.url, self.source, day, n)

    def used(self, day: date) -> int:
        return used(self.url, self.source, day)
