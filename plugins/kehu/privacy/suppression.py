"""What landing leaves out: rows that name a key of somebody who was erased."""

from __future__ import annotations

import pyarrow as pa
from psycopg import Connection

from kehu.privacy.keys import HashKey, HashKeyError
from kehu.privacy.subjects import SELF, named_in_record, namings


class Suppression:
    """The erased keys that rows of one raw table may name; nothing is hashed where there are none.

    Raises
    ------
    HashKeyError
        If there are some and the installation's key is not the one they were hashed with: landing then stops rather
        than bring somebody back.
    """

    def __init__(self, connection: Connection, source: str, table: str, is_record: bool) -> None:
        self.ways = namings(source, table, is_record)
        rows = connection.execute(
            "select key_kind, key_hash, key_id from ops.suppressed_keys where key_kind = any(%s)",
            [[way.key for way in self.ways]],
        ).fetchall()
        self.hashes = {(kind, digest) for kind, digest, _ in rows}
        self.own = f"{source}.{table}"
        self.key = HashKey.from_environment() if rows else None
        if self.key is not None and {key_id for _, _, key_id in rows} != {self.key.key_id}:
            raise HashKeyError(f"{self.own}: records were erased under another key than this installation has now")

    def __bool__(self) -> bool:
        return bool(self.hashes)

    @property
    def count_own(self) -> int:
        """How many records of this very table may live in the source and not here."""
        return sum(kind == self.own for kind, _ in self.hashes)

    def names(self, kind: str, value: str) -> bool:
        """Whether a key is one that was erased."""
        return self.key is not None and (kind, self.key.hash(kind, value)) in self.hashes

    def is_erased(self, record_id: str | None, record: str | None = None) -> bool:
        """Whether a record names a key that was erased."""
        return bool(self) and any(self.names(*key) for key in named_in_record(self.ways, record_id, record))

    def without_erased(self, rows: pa.Table) -> pa.Table:
        """The rows of a file that name nobody who was erased."""
        if not self:
            return rows
        if SELF in rows.column_names:
            pairs = zip(rows[SELF].to_pylist(), rows["record"].to_pylist(), strict=True)
            return rows.filter(pa.array([not self.is_erased(*pair) for pair in pairs], pa.bool_()))
        for way in (way for way in self.ways if way.field in rows.column_names):
            texts = rows[way.field].to_pylist()
            erased = {text for text in set(texts) if (value := way.value(text)) and self.names(way.key, value)}
            if erased:
                rows = rows.filter(pa.array([text not in erased for text in texts], pa.bool_()))
        return rows
