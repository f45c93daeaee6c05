"""Land corrected rows in the place of quarantined ones, from a file in the form of the source's own."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from kehu.sources import formats
from kehu.sources.config import Sources
from kehu.sources.contract import SourceError
from kehu.sources.files_settings import FileEntity
from kehu.sources.kinds import settings_of
from kehu.warehouse.landing import RECORD_COLUMNS, columns_of, copy_rows, lock_entity, table_name
from kehu.warehouse.replays import ReplayError, enter

ROW = "_row"  # the field that tells which row of the old file a corrected one takes the place of


def replay(url: str, sources: Sources, load_id: int, file: Path, by: str, reason: str) -> tuple[int, int]:
    """Land the rows of `file` as corrections of rows of a load; return the new load's id and how many rows landed.

    The next night checks them as it checks all rows. Nothing lands if a row does not fit.

    Raises
    ------
    ReplayError
        If the file cannot be read, or a row is not one that waits in quarantine.
    """
    with psycopg.connect(url) as connection:
        query = "select source, entity from ops.loads where load_id = %s"
        found = connection.execute(query, [load_id]).fetchone()
        if found is None:
            raise ReplayError(f"there is no load {load_id}")
        source, entity = found
        settings = _entity(sources, source, entity)
        schema, table = f"raw_{source}", table_name(entity)
        lock_entity(connection, source, entity)
        known = columns_of(connection, schema, table)
        try:
            content = file.read_bytes()
            numbers, rows = _records(settings, content) if settings.format == "jsonl" else _columns(content, known)
        except OSError as error:
            raise ReplayError(f"{file.name}: the file cannot be read: {error.strerror}") from None
        except (formats.FormatError, UnicodeDecodeError) as error:
            row = getattr(error, "row", None)
            where = f"{file.name}, row {row}" if row is not None else file.name
            raise ReplayError(f"{where}: {getattr(error, 'reason', 'the file is not UTF-8')}") from None
        replay_id = enter(connection, load_id, numbers, by, reason)
        rows = rows.add_column(0, "_row_number", pa.array(numbers, pa.int32()))
        rows = rows.add_column(0, "_load_id", pa.array(np.full(len(numbers), replay_id, dtype=np.int64)))
        columns = RECORD_COLUMNS if settings.format == "jsonl" else rows.column_names
        copy_rows(connection, sql.Identifier(schema, table), columns, rows)
    return replay_id, len(numbers)


def _entity(sources: Sources, source: str, entity: str) -> FileEntity:
    """The settings of an entity whose rows come in files."""
    configured = sources.sources.get(source)
    if configured is None or configured.kind != "files":
        raise ReplayError(f"{source} is not read from files: correct the row there, and the next night reads it")
    try:
        found: FileEntity | None = settings_of(configured).entities.get(entity)
    except SourceError as error:
        raise ReplayError(str(error)) from None
    if found is None:
        raise ReplayError(f"{source}: {entity} is no entity of it any more")
    return found


def _columns(content: bytes, known: list[str]) -> tuple[list[int], pa.Table]:
    """Row numbers and rows of a CSV file with the raw table's columns and `_row`."""
    table = formats.read_csv(content)
    missing = sorted({ROW, *known} - set(table.column_names))
    if missing or len(table.column_names) > len(known) + 1:
        raise formats.FormatError(f"the header needs {ROW} and the columns of the source's file, and no others", 0)
    return _numbers(table[ROW].to_pylist()), table.select(known)


def _records(settings: FileEntity, content: bytes) -> tuple[list[int], pa.Table]:
    """Row numbers and rows of JSON Lines, each a record with a field `_row`."""
    numbers, lines = [], []
    for number, line in enumerate(io.BytesIO(content), 1):
        try:
            record = json.loads(line)
            numbers.append(record.pop(ROW))
        except (ValueError, KeyError, AttributeError, TypeError):
            raise formats.FormatError(f"the line is not a record with the field {ROW}", number) from None
        lines.append(json.dumps(record, ensure_ascii=False))
    text = "".join(f"{line}\n" for line in lines).encode()
    rows = formats.read_json_lines(text, settings.keys, settings.changed_at, settings.deleted)
    return _numbers(numbers), rows


def _numbers(values: list[object]) -> list[int]:
    """Whole numbers from 1 on."""
    numbers = []
    for place, value in enumerate(values, 1):
        if not str(value).isascii() or not str(value).isdigit() or not 0 < int(str(value)) < 2**31:
            raise formats.FormatError(f"{ROW} is not the number of a row", place)
        numbers.append(int(str(value)))
    if not numbers:
        raise formats.FormatError("the file has no rows", 0)
    return numbers
