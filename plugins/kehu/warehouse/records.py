"""Merge what a source tells of its records into their raw table: new versions and tombstones only, all or nothing.

A version lands when it differs from the newest one the warehouse has, so rows that are read twice (a lag window, a
repeated page, another try) land once. Nothing is updated or deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
import pyarrow as pa
from psycopg import sql

from kehu.warehouse.landing import copy_rows, ensure_record_table

# What was read and what lives in the source outlast transactions, so that none stays open while a source is slow.
INCOMING = """
create temporary table incoming (
    row_number integer not null, record_id text not null, is_deleted boolean not null, changed_at timestamptz,
    record jsonb
)
"""
PRESENT = "create temporary table present (record_id text not null)"
# PostgreSQL's texts have no NUL and no half of a surrogate pair; what JSON says of either is found among its escapes.
ESCAPE = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
# Of several versions in one reading the latest counts. A version that is older than the one the warehouse has is
# passed over, unless the record was fetched by its id just now: then the source's present word counts ({is_present}).
MERGE = """
create temporary table merged on commit drop as
select incoming.*, coalesce(known._is_deleted, true) as was_gone
from (
    select distinct on (record_id) * from incoming
    order by record_id asc, changed_at desc nulls last, is_deleted desc, row_number desc
) as incoming
left join lateral (
    select _is_deleted, _changed_at, record from {raw} as raw
    where raw._record_id = incoming.record_id order by _load_id desc, _row_number desc limit 1
) as known on true
where
    known is null
    or (
        ({is_present} or incoming.changed_at is null or known._changed_at is null
            or incoming.changed_at >= known._changed_at)
        and (incoming.is_deleted, case when not incoming.is_deleted then incoming.record end)
            is distinct from (known._is_deleted, case when not known._is_deleted then known.record end)
    )
"""
LAND = """
insert into {raw} (_load_id, _row_number, _record_id, _is_deleted, _changed_at, record)
select %s, %s + row_number() over (order by row_number), record_id, is_deleted, changed_at, record from merged
"""
COUNTS = """
select
    count(*),
    count(*) filter (where was_gone and not is_deleted),
    count(*) filter (where not was_gone and is_deleted)
from merged
"""
LIVING = """
create temporary table living on commit drop as
select record_id from (
    select distinct on (_record_id) _record_id as record_id, _is_deleted
    from {raw} where _record_id is not null order by _record_id asc, _load_id desc, _row_number desc
) as newest where not _is_deleted
"""


def storable(record: str | None) -> str | None:
    """The record as JSON that `jsonb` takes: a NUL and half a surrogate pair become U+FFFD."""
    if record is None or "\\u" not in record:
        return record
    return ESCAPE.sub(lambda found: "\\ufffd" if found[1] else found[0], record)


@dataclass(frozen=True)
class Merged:
    """Rows that landed, and by how many records the warehouse grew and shrank."""

    landed: int
    born: int
    died: int


class Merge:
    """One load of one entity: what is collected first is private, what lands is one transaction of the caller's."""

    def __init__(
        self,
        connection: psycopg.Connection,
        schema: str,
        table: str,
        load_id: int,
        is_erased: Callable[[str, str | None], bool] | None = None,
    ) -> None:
        self.connection, self.load_id, self.is_erased = connection, load_id, is_erased
        self.raw = sql.Identifier(schema, table)
        ensure_record_table(connection, schema, table)
        connection.execute(INCOMING)
        connection.execute(PRESENT)
        connection.commit()
        self.count_read = self.count_landed = self.count_suppressed = 0
        self.is_landing = False

    def add(self, rows: Sequence[tuple[str, str | None, str | None, bool]]) -> None:
        """Take in versions: record id, record as JSON, ISO time of change, whether it is a deletion.

        What belongs to somebody who was erased is counted, and goes no further.
        """
        if self.is_erased is not None:
            kept = [row for row in rows if not self.is_erased(row[0], row[1])]
            self.count_suppressed += len(rows) - len(kept)
            rows = kept
        if not rows:
            return
        ids, records, times, deletions = zip(*rows, strict=True)
        first = self.count_read + 1
        self.count_read += len(rows)
        table = pa.table(
            {
                "row_number": pa.array(range(first, first + len(rows)), pa.int32()),
                "record_id": pa.array(ids, pa.string()),
                "is_deleted": pa.array(deletions, pa.bool_()),
                "changed_at": pa.array(times, pa.string()),
                "record": pa.array(map(storable, records), pa.string()),
            }
        )
        self._collect("incoming", table)

    def land(self, is_present: bool = False) -> Merged:
        """Land what was added since the last call, if it is news; `is_present`: it was fetched by id just now."""
        self.is_landing = True
        self._execute("analyze incoming")
        self._execute("drop table if exists merged")
        self._execute(MERGE, is_present=sql.Literal(is_present))
        self.connection.execute(sql.SQL(LAND).format(raw=self.raw), [self.load_id, self.count_landed])
        landed, born, died = self.connection.execute(COUNTS).fetchone() or (0, 0, 0)
        self.count_landed += landed
        return Merged(landed, born, died)

    def remember_seen(self) -> None:
        """Take the ids that were added (and are no deletions) as the full list of what lives in the source."""
        self._execute("insert into present select record_id from incoming where not is_deleted")

    def remember_keys(self, keys: Sequence[str]) -> None:
        """Add to the full list of what lives in the source; records of people who were erased live there alone."""
        if self.is_erased is not None:
            keys = [key for key in keys if not self.is_erased(key, None)]
        self._collect("present", pa.table({"record_id": pa.array(keys, pa.string())}))

    def forget_incoming(self) -> None:
        """Begin another round of versions."""
        self._execute("truncate incoming")

    def differences(self) -> tuple[int, list[str], int]:
        """Living records here, ids that live only in the source, and how many live only here."""
        self._execute("drop table if exists living")
        self._execute(LIVING)
        self._execute("analyze living, present")
        unknown = "select distinct record_id from present except select record_id from living order by 1"
        gone = "select count(*) from (select record_id from living except select record_id from present) as gone"
        living = self.connection.execute("select count(*) from living").fetchone() or (0,)
        count_gone = self.connection.execute(gone).fetchone() or (0,)
        return living[0], [key for (key,) in self.connection.execute(unknown).fetchall()], count_gone[0]

    def bury_gone(self) -> Merged:
        """Land a tombstone for each record that lives here (see `differences`) and no longer in the source."""
        insert = """
            insert into {raw} (_load_id, _row_number, _record_id, _is_deleted)
            select %s, %s + row_number() over (order by record_id), record_id, true
            from (select record_id from living except select record_id from present) as gone
        """
        done = self.connection.execute(sql.SQL(insert).format(raw=self.raw), [self.load_id, self.count_landed])
        self.count_landed += done.rowcount
        return Merged(done.rowcount, 0, done.rowcount)

    def _collect(self, name: str, rows: pa.Table) -> None:
        copy_rows(self.connection, sql.Identifier(name), rows.column_names, rows)
        if not self.is_landing:
            self.connection.commit()

    def _execute(self, statement: str, **parts: sql.Composable) -> None:
        self.connection.execute(sql.SQL(statement).format(raw=self.raw, **parts))  # type: ignore[arg-type, unused-ignore]
