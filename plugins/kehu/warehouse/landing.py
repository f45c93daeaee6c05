"""Where raw rows land: tables made on first use, and the ledger entry that goes into the same transaction.

Two shapes of raw table. *Columns* (CSV, Parquet): one text column per column of the file. *Records* (JSON Lines,
databases, APIs): the record's id, whether and when it changed or was deleted, and the record as `jsonb`.
Rows are only ever appended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

OWN_COLUMNS = ("_load_id", "_row_number")
BATCH_ROWS = 20_000  # rows sent at a time
RECORD_COLUMNS = (*OWN_COLUMNS, "_record_id", "_is_deleted", "_changed_at", "_fault", "record", "_unread")
MAX_TABLE_NAME = 50  # an index adds to it, and PostgreSQL cuts names at 63
PART = r"(?:^|\|)((?:[^|\\]|\\.)*)"
RECORDS = """
create table if not exists {table} (
    _load_id bigint not null,
    _row_number integer not null,
    _record_id text,
    _is_deleted boolean not null default false,
    _changed_at timestamptz,
    _fault text,
    record jsonb,
    _unread text
)
"""
COLUMNS_OF = """
select attribute.attname
from pg_attribute as attribute
where
    attribute.attrelid = to_regclass(quote_ident(%s) || '.' || quote_ident(%s))
    and attribute.attnum > 0
    and not attribute.attisdropped
order by attribute.attnum
"""


@dataclass(frozen=True)
class Entry:
    """One load as the ledger keeps it."""

    load_id: int
    run_id: int
    source: str
    entity: str
    as_of_date: date
    count_rows: int
    file_name: str | None = None
    file_date: date | None = None
    file_sha256: str | None = None
    file_stamp: str | None = None
    state: dict[str, Any] | None = None
    count_read: int | None = None
    count_live: int | None = None
    count_source: int | None = None
    count_added_columns: int | None = None
    count_suppressed: int = 0
    unread_rows: Sequence[int] | None = None


def table_name(entity: str) -> str:
    """An entity's name as a table's: `NewOpportunityObj` → `new_opportunity_obj`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", entity)
    return re.sub(r"[^a-z0-9_]+", "_", words.lower()).strip("_")


def require_tables(entities: Iterable[str]) -> None:
    """Refuse entities that cannot have a table each.

    Raises
    ------
    ValueError
        If a name gives no table's name, a longer one than fits, or the one of another entity.
    """
    names = [table_name(entity) for entity in entities]
    if not all(0 < len(name) <= MAX_TABLE_NAME for name in names):
        raise ValueError(f"a name needs letters a-z or digits, at most {MAX_TABLE_NAME} of them")
    if len(set(names)) < len(names):
        raise ValueError("two names make the same table; they differ in more than case and punctuation")


def record_id(parts: Sequence[str]) -> str:
    """The id of a record whose key has these parts; different parts never make the same id."""
    if len(parts) == 1:
        return parts[0]
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)


def parts_of(record_id: str, count: int) -> list[str]:
    """The `count` parts that `record_id` was made of."""
    if count == 1:
        return [record_id]
    return [re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in re.findall(PART, record_id, re.DOTALL)]


def lock_entity(connection: psycopg.Connection, source: str, entity: str) -> None:
    """Hold back other loads of the entity until the connection closes: two triggers at once land nothing twice."""
    connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [f"load {source}.{entity}"])
    connection.commit()


def next_load_ids(connection: psycopg.Connection, count: int) -> list[int]:
    """`count` fresh load ids, ascending."""
    query = "select nextval(pg_get_serial_sequence('ops.loads', 'load_id')) from generate_series(1, %s)"
    return [int(row[0]) for row in connection.execute(query, [count]).fetchall()]


def write_ledger(connection: psycopg.Connection, entries: Sequence[Entry]) -> None:
    """Enter loads into `ops.loads`, inside the caller's transaction."""
    names = list(Entry.__dataclass_fields__)
    statement = sql.SQL("insert into ops.loads ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join(sql.Placeholder() * len(names))
    )
    rows = [
        [
            json.dumps(entry.state) if name == "state" and entry.state is not None else getattr(entry, name)
            for name in names
        ]
        for entry in entries
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def ensure_record_table(connection: psycopg.Connection, schema: str, table: str) -> None:
    """Make the raw table of an entity whose rows are records, if it is not there."""
    name = sql.Identifier(schema, table)
    _ensure_schema(connection, schema)
    connection.execute("set local client_min_messages = warning")
    connection.execute(sql.SQL(RECORDS).format(table=name))
    # The newest version of a record is found by its id; the rows of a load by their place.
    for suffix, using in (
        ("record_id", "(_record_id, _load_id desc, _row_number desc)"),
        ("load_id", "using brin (_load_id)"),
    ):
        index = sql.SQL("create index if not exists {} on {} " + using)  # type: ignore[arg-type, unused-ignore]
        connection.execute(index.format(sql.Identifier(f"{table[:50]}_{suffix}"), name))


def ensure_column_table(connection: psycopg.Connection, schema: str, table: str, columns: Sequence[str]) -> None:
    """Make the raw table of an entity whose rows are text columns, or add the columns it lacks."""
    known = columns_of(connection, schema, table)
    name = sql.Identifier(schema, table)
    if not known:
        _ensure_schema(connection, schema)
        texts = [sql.SQL("{} text").format(sql.Identifier(column)) for column in columns]
        fixed = [sql.SQL("_load_id bigint not null"), sql.SQL("_row_number integer not null")]
        connection.execute(sql.SQL("create table {} ({})").format(name, sql.SQL(", ").join(fixed + texts)))
        index = sql.Identifier(f"{table[:50]}_load_id")
        connection.execute(sql.SQL("create index {} on {} using brin (_load_id)").format(index, name))
        return
    for column in columns:
        if column not in known:
            connection.execute(sql.SQL("alter table {} add column {} text").format(name, sql.Identifier(column)))


def columns_of(connection: psycopg.Connection, schema: str, table: str) -> list[str]:
    """The columns of a raw table without those of ours; empty if there is no such table."""
    rows = connection.execute(COLUMNS_OF, [schema, table]).fetchall()
    return [name for (name,) in rows if name not in OWN_COLUMNS]


def copy_rows(connection: psycopg.Connection, table: sql.Composable, columns: Sequence[str], rows: pa.Table) -> None:
    """`COPY` an Arrow table of strings, integers and booleans into `table`; null stays null, an empty text empty."""
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    batches = rows.select(list(columns)).to_batches(max_chunksize=BATCH_ROWS)
    # One batch is written as text while the one before it is on its way to the server.
    with ThreadPoolExecutor(1) as pool, connection.cursor() as cursor, cursor.copy(statement) as copy:
        waiting = pool.submit(_as_csv, batches[0]) if batches else None
        for following in [*batches[1:], None]:
            if waiting is None:
                return
            ready = waiting.result()
            waiting = pool.submit(_as_csv, following) if following is not None else None
            copy.write(ready)


def _as_csv(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    csv.write_csv(pa.Table.from_batches([batch]), sink, options)
    return bytes(sink.getvalue().to_pybytes())


def _ensure_schema(connection: psycopg.Connection, schema: str) -> None:
    # "if not exists" still asks for the right to create; a loader may lack it where the schema is there.
    if not connection.execute("select 1 from pg_namespace where nspname = %s", [schema]).fetchone():
        connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        # As migrations 0005 and 0020 do for the schemas they find.
        connection.execute(
            sql.SQL(
                "grant usage on schema {schema} to transformer, sandbox_builder;"
                " alter default privileges in schema {schema} grant select on tables to transformer, sandbox_builder"
            ).format(schema=sql.Identifier(schema))
        )
