"""Land files: rows and ledger entries in one transaction, whichever shape the rows have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from kehu.sources.contract import SourceError
from kehu.sources.files_settings import FileEntity
from kehu.warehouse.landing import (
    RECORD_COLUMNS,
    Entry,
    copy_rows,
    ensure_column_table,
    ensure_record_table,
    next_load_ids,
    table_name,
    write_ledger,
)
from kehu.warehouse.runs import Night

if TYPE_CHECKING:
    from kehu.sources.files import Parsed

Landed = dict[str, tuple[str, int]]
ANALYZE_ROWS = 10_000  # landing more than this calls for fresh planner statistics at once


def landed_versions(connection: psycopg.Connection, source: str, entity: str) -> Landed:
    """A file's identity (its day, else its name) → hash and rows of the version that landed last."""
    query = """
        select distinct on (file_date, base_name) coalesce(to_char(file_date, 'YYYY-MM-DD'), base_name),
            file_sha256, count_rows
        from (
            select load_id, file_date, file_sha256, count_rows,
                case when file_date is null then regexp_replace(file_name, '\\.gz$', '') end as base_name
            from ops.loads where source = %s and entity = %s and file_sha256 is not null
        ) as versions
        order by file_date, base_name, load_id desc
    """
    rows = connection.execute(query, [source, entity]).fetchall()
    return {identity: (sha256, count) for identity, sha256, count in rows}


def land(
    connection: psycopg.Connection,
    source: str,
    entity: str,
    settings: FileEntity,
    batch: Sequence[Parsed],
    night: Night,
) -> int:
    """Write a batch of files and commit; return the rows landed."""
    schema, table = f"raw_{source}", table_name(entity)
    load_ids = next_load_ids(connection, len(batch))
    rows = pa.concat_tables(
        [_with_position(parsed.rows, load_id) for parsed, load_id in zip(batch, load_ids, strict=True)],
        promote_options="default",
    )
    if settings.format == "jsonl":
        ensure_record_table(connection, schema, table)
        columns: Sequence[str] = RECORD_COLUMNS
    else:
        columns = rows.column_names
        ensure_column_table(connection, schema, table, columns[2:])
    try:
        copy_rows(connection, sql.Identifier(schema, table), columns, rows)
    except psycopg.DataError as error:
        raise _refusal(source, batch, error) from None
    pairs = zip(batch, load_ids, strict=True)
    write_ledger(connection, [_entry(parsed, load_id, source, entity, night) for parsed, load_id in pairs])
    if rows.num_rows >= ANALYZE_ROWS:
        # Without fresh statistics the first staging after a large load is planned blind.
        connection.execute(sql.SQL("analyze {}").format(sql.Identifier(schema, table)))
    connection.commit()
    return rows.num_rows


def _entry(parsed: Parsed, load_id: int, source: str, entity: str, night: Night) -> Entry:
    file = parsed.file
    known_on = file.day or night.as_of_date
    return Entry(
        load_id, night.run_id, source, entity, known_on, parsed.rows.num_rows, file.name, file.day, parsed.sha256
    )


def _refusal(source: str, batch: Sequence[Parsed], error: psycopg.DataError) -> SourceError:
    """The error that says which file's row PostgreSQL could not store."""
    # The server's message quotes the value; of its context only the number of the row goes on.
    found = re.search(r"\d+", (error.diag.context or "").partition(",")[2])
    row, place = int(found[0]) if found else 0, 0
    while row > batch[place].rows.num_rows and place + 1 < len(batch):
        row -= batch[place].rows.num_rows
        place += 1
    reason = f"a value that PostgreSQL cannot store ({error.sqlstate})"
    return SourceError(source, batch[place].file.name, reason, row or None)


def _with_position(rows: pa.Table, load_id: int) -> pa.Table:
    """Add the load's id and each row's number in its file (1 is the first, below a header if there is one)."""
    count = rows.num_rows
    numbered = rows.add_column(0, "_row_number", pa.array(np.arange(1, count + 1, dtype=np.int32)))
    return numbered.add_column(0, "_load_id", pa.array(np.full(count, load_id, dtype=np.int64)))
