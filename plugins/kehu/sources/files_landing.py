"""Land files: rows and ledger entries in one transaction, whichever shape the rows have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from kehu.privacy.suppression import Suppression
from kehu.sources.broken_csv import unread_rows
from kehu.sources.contract import SourceError
from kehu.sources.files_settings import FileEntity
from kehu.warehouse.landing import (
    RECORD_COLUMNS,
    Entry,
    columns_of,
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


class Version(NamedTuple):
    """What the ledger tells of a file's newest landed version."""

    sha256: str
    rows: int
    stamp: str | None


Landed = dict[str, Version]
ANALYZE_ROWS = 10_000  # landing more than this calls for fresh planner statistics at once


def landed_versions(connection: psycopg.Connection, source: str, entity: str) -> Landed:
    """A file's identity (its day, else its name) → hash and rows of the version that landed last."""
    query = """
        select distinct on (file_date, base_name) coalesce(to_char(file_date, 'YYYY-MM-DD'), base_name),
            file_sha256, count_rows, file_stamp
        from (
            select load_id, file_date, file_sha256, count_rows, file_stamp,
                case when file_date is null then regexp_replace(file_name, '\\.gz$', '') end as base_name
            from ops.loads where source = %s and entity = %s and file_sha256 is not null
        ) as versions
        order by file_date, base_name, load_id desc
    """
    rows = connection.execute(query, [source, entity]).fetchall()
    return {identity: Version(*version) for identity, *version in rows}


def land(
    connection: psycopg.Connection,
    source: str,
    entity: str,
    settings: FileEntity,
    batch: Sequence[Parsed],
    night: Night,
) -> int:
    """Write a batch of files and commit; return the rows landed. Rows of people who were erased are left out."""
    schema, table = f"raw_{source}", table_name(entity)
    suppression = Suppression(connection, source, table, settings.format == "jsonl")
    counts_sent = [parsed.rows.num_rows for parsed in batch]
    batch = [replace(parsed, rows=suppression.without_erased(parsed.rows)) for parsed in batch]
    load_ids = next_load_ids(connection, len(batch))
    rows = pa.concat_tables(
        [_with_position(parsed.rows, load_id) for parsed, load_id in zip(batch, load_ids, strict=True)],
        promote_options="default",
    )
    if settings.format == "jsonl":
        ensure_record_table(connection, schema, table)
        columns: Sequence[str] = RECORD_COLUMNS
        known: Sequence[str] = ()
    else:
        columns = rows.column_names
        known = settings.columns or columns_of(connection, schema, table)
        _require_known_columns(source, () if settings.columns else known, batch)
        ensure_column_table(connection, schema, table, columns[2:])
    try:
        copy_rows(connection, sql.Identifier(schema, table), columns, rows)
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
        raise _refusal(source, batch, error) from None
    entries = [
        replace(_entry(parsed, load_id, source, entity, night, known), count_suppressed=sent - parsed.rows.num_rows)
        for parsed, load_id, sent in zip(batch, load_ids, counts_sent, strict=True)
    ]
    write_ledger(connection, entries)
    if rows.num_rows >= ANALYZE_ROWS:
        # Without fresh statistics the first staging after a large load is planned blind.
        # Joins are planned by the load; the columns' own texts are cast before anything is asked of them.
        connection.execute("set local default_statistics_target = 10")
        connection.execute(sql.SQL("analyze {} (_load_id)").format(sql.Identifier(schema, table)))
    connection.commit()
    return rows.num_rows


def _require_known_columns(source: str, known: Sequence[str], batch: Sequence[Parsed]) -> None:
    """Without a contract of its own, an entity's contract is what its files had so far: no column may go missing."""
    for parsed in batch:
        missing = sorted(set(known) - set(parsed.rows.column_names))
        if missing:
            raise SourceError(source, parsed.file.name, f"the header changed: missing {', '.join(missing)}", 0)


def _entry(parsed: Parsed, load_id: int, source: str, entity: str, night: Night, known: Sequence[str]) -> Entry:
    """The file's entry; `known` are the columns it may have, empty where that is not told."""
    file = parsed.file
    known_on = file.day or night.as_of_date
    return Entry(
        load_id,
        night.run_id,
        source,
        entity,
        known_on,
        parsed.rows.num_rows,
        file.name,
        file.day,
        parsed.sha256,
        file.stamp,
        count_added_columns=len(set(parsed.rows.column_names) - set(known)) if known else None,
        unread_rows=unread_rows(parsed.rows) if parsed.has_unread else None,
    )


def _refusal(source: str, batch: Sequence[Parsed], error: psycopg.Error) -> SourceError:
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
