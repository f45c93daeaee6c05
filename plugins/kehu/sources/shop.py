"""The shop's daily files of invoice lines: found, verified, and landed in `raw_shop.order_lines`.

A file is `order_lines_YYYY-MM-DD.csv` or `.csv.gz`, UTF-8, one per calendar day, with a header also on days
without sales. Loading is append-only and idempotent: a day's file is known by its SHA-256. A file sent again with
other content is a new version, also where that content was there before; staging reads the latest one.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
from adbc_driver_postgresql.dbapi import Connection
from pyarrow import csv

from kehu.warehouse.runs import Counts, Night
from kehu.warehouse.tables import append, connect

SOURCE, ENTITY, TABLE = "shop", "order_lines", "order_lines"
SCHEMA = "raw_shop"
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
FILE_NAME = re.compile(r"order_lines_(\d{4}-\d{2}-\d{2})\.csv(\.gz)?")
MAX_BYTES = 1 << 30  # one day's file unpacked; more is a mistake or a zip bomb
BATCH_ROWS = 100_000  # rows landed in one transaction, rounded up to whole files
ANALYZE_ROWS = 10_000  # landing more than this calls for fresh planner statistics at once
READERS = 2
AHEAD_BYTES = 4 << 20  # packed size of the files that wait, read, to be landed


class SourceError(RuntimeError):
    """A file cannot be trusted; the message names the file, the row where there is one, and the reason."""

    def __init__(self, file: str, reason: str, row: int | None = None) -> None:
        place = f"{file}, row {row}" if row is not None else file
        super().__init__(f"{SOURCE}: {place}: {reason}")


@dataclass(frozen=True)
class DailyFile:
    """One file of the shop and the day it tells of."""

    path: Path
    day: date

    @property
    def name(self) -> str:
        return self.path.name


Landed = dict[date, tuple[str, int]]


@dataclass(frozen=True)
class Parsed:
    """One file's rows, all text, as they came."""

    file: DailyFile
    sha256: str
    rows: pa.Table


def newest_day(folder: Path) -> date:
    """The day of the newest file in the folder."""
    return max(file.day for file in _daily_files(folder))


def ingest(url: str, folder: Path, night: Night) -> Counts:
    """Load the files up to the night's day that are not loaded yet; return rows read and rows landed.

    Files land in batches, each in one transaction with its ledger entries, so a failure leaves whole files only.

    Raises
    ------
    SourceError
        If a day's file is missing, or a file is empty, truncated, unreadable, has another header, or repeats the
        content of another day. Nothing of that file is landed.
    """
    files = [file for file in _daily_files(folder) if file.day <= night.as_of_date]
    landed = _newest_versions(url)
    _require_every_day(folder, files, landed, night.as_of_date)
    rows_in = rows_out = 0
    batch: list[Parsed] = []
    with connect(url) as connection:
        for parsed in _new_files(files, landed):
            batch.append(parsed)
            rows_in += parsed.rows.num_rows
            if sum(p.rows.num_rows for p in batch) >= BATCH_ROWS:
                rows_out += _land(connection, batch, night)
                batch = []
        rows_out += _land(connection, batch, night)
    if rows_out >= ANALYZE_ROWS:
        _analyze(url)
    return Counts(rows_in, rows_out)


def parse(file: DailyFile, content: bytes) -> pa.Table:
    """The rows of one file's unpacked bytes as a table of text columns.

    Raises
    ------
    SourceError
        For an empty file, another header, bytes that are not UTF-8, or a row with too few or too many fields.
    """
    if not content.strip():
        raise SourceError(file.name, "the file is empty; a day without sales still has the header")
    _require_utf8(file, content)
    if not content.endswith(b"\n"):
        raise SourceError(file.name, "the file is truncated: its last line has no end", content.count(b"\n"))
    bad_rows: list[csv.InvalidRow] = []

    def remember(row: csv.InvalidRow) -> str:
        bad_rows.append(row)
        return "skip"

    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            # One thread and one block: only then does the reader count rows.
            read_options=csv.ReadOptions(use_threads=False, block_size=len(content) + 1),
            parse_options=csv.ParseOptions(newlines_in_values=True, invalid_row_handler=remember),
            convert_options=csv.ConvertOptions(
                column_types={name: pa.string() for name in COLUMNS}, strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:
        raise SourceError(file.name, "the file is not readable as CSV") from None
    _require_header(file, tuple(table.column_names))
    if bad_rows:
        first = bad_rows[0]
        raise SourceError(
            file.name,
            f"{first.actual_columns} fields instead of {first.expected_columns}: truncated or broken quoting",
            first.number - 1 if first.number else None,
        )
    return table


def _daily_files(folder: Path) -> list[DailyFile]:
    if not folder.is_dir():
        raise SourceError(str(folder), "the folder does not exist")
    files = []
    for path in sorted(folder.iterdir()):
        match = FILE_NAME.fullmatch(path.name)
        if match:
            try:
                files.append(DailyFile(path, date.fromisoformat(match[1])))
            except ValueError:
                raise SourceError(path.name, f"{match[1]} is not a date") from None
    if not files:
        raise SourceError(str(folder), "no file named order_lines_YYYY-MM-DD.csv[.gz] in the folder")
    return files


def _require_every_day(folder: Path, files: list[DailyFile], landed: Landed, last: date) -> None:
    """Refuse two files of one day, and days that neither lie in the folder nor have landed before."""
    by_day: dict[date, DailyFile] = {}
    for file in files:
        if file.day in by_day:
            raise SourceError(file.name, f"{by_day[file.day].name} tells of the same day; keep one of them")
        by_day[file.day] = file
    known = by_day.keys() | landed.keys()
    day = min(known, default=last)
    while day <= last:
        if day not in known:
            raise SourceError(f"order_lines_{day}.csv[.gz]", f"the file is missing in {folder.name}/")
        day += timedelta(days=1)


def _newest_versions(url: str) -> Landed:
    """Day → (sha256, rows) of the version that landed last."""
    query = """
        select distinct on (file_date) file_date, file_sha256, count_rows
        from ops.loads where source = %s and entity = %s
        order by file_date, load_id desc
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [SOURCE, ENTITY]).fetchall()
    return {day: (sha256, count) for day, sha256, count in rows}


def _new_files(files: list[DailyFile], landed: Landed) -> Iterator[Parsed]:
    """What is new by content, in the order of days; refuse a day that only repeats another day's rows."""
    day_by_hash = {sha256: day for day, (sha256, rows) in landed.items() if rows}
    for parsed in _read_ahead(files, landed):
        if parsed is None:
            continue
        twin = day_by_hash.get(parsed.sha256)
        if twin is not None and twin != parsed.file.day:
            raise SourceError(parsed.file.name, f"a duplicate: the same content as the file of {twin}")
        if parsed.rows.num_rows:
            day_by_hash[parsed.sha256] = parsed.file.day
        yield parsed


def _read_ahead(files: list[DailyFile], landed: Landed) -> Iterator[Parsed | None]:
    """Read files in threads while the caller writes earlier ones; bounded by the size of what waits."""
    with ThreadPoolExecutor(READERS) as pool:
        waiting: deque[tuple[Future[Parsed | None], int]] = deque()
        for file in files:
            size = file.path.stat().st_size
            while waiting and sum(waits for _, waits in waiting) + size > AHEAD_BYTES:
                yield waiting.popleft()[0].result()
            waiting.append((pool.submit(_read, file, landed), size))
        while waiting:
            yield waiting.popleft()[0].result()


def _read(file: DailyFile, landed: Landed) -> Parsed | None:
    """Unpack, hash and parse one file; None if the day's newest landed version has the same content."""
    content = _unpack(file)
    sha256 = hashlib.sha256(content).hexdigest()
    if file.day in landed and landed[file.day][0] == sha256:
        return None
    return Parsed(file, sha256, parse(file, content))


def _unpack(file: DailyFile) -> bytes:
    try:
        if file.path.suffix == ".gz":
            with gzip.open(file.path) as stream:
                content = stream.read(MAX_BYTES + 1)
        else:
            with file.path.open("rb") as plain:
                content = plain.read(MAX_BYTES + 1)
    except EOFError:
        raise SourceError(file.name, "the file is truncated: its compressed data end too early") from None
    except (gzip.BadGzipFile, zlib.error):
        raise SourceError(file.name, "the file is not valid gzip") from None
    except OSError as error:
        raise SourceError(file.name, f"the file cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise SourceError(file.name, f"more than {MAX_BYTES} bytes unpacked")
    return content


def _require_utf8(file: DailyFile, content: bytes) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start)
        if error.reason == "unexpected end of data":
            raise SourceError(file.name, "the file is truncated within a character", row) from None
        raise SourceError(file.name, "bytes that are not UTF-8: another encoding or a damaged file", row) from None
    if b"\x00" in content:
        row = content.count(b"\n", 0, content.index(b"\x00"))
        raise SourceError(file.name, "a NUL byte: a damaged or binary file", row)


def _require_header(file: DailyFile, header: tuple[str, ...]) -> None:
    if header == COLUMNS:
        return
    missing, added = set(COLUMNS) - set(header), set(header) - set(COLUMNS)
    if not missing and not added:
        raise SourceError(file.name, "the header's columns changed their order or repeat", 0)
    named = [f"missing {', '.join(sorted(missing))}"] if missing else []
    # Unknown names are counted, not quoted: a file without its header would show a customer's row here.
    named += [f"{len(added)} unknown"] if added else []
    raise SourceError(file.name, f"the header changed: {'; '.join(named)}", 0)


def _land(connection: Connection, batch: list[Parsed], night: Night) -> int:
    """Write a batch of files and their ledger entries in one transaction."""
    if not batch:
        return 0
    load_ids = _next_load_ids(connection, len(batch))
    ledger = {
        "load_id": load_ids,
        "run_id": [night.run_id] * len(batch),
        "source": [SOURCE] * len(batch),
        "entity": [ENTITY] * len(batch),
        "file_name": [parsed.file.name for parsed in batch],
        "file_date": [parsed.file.day for parsed in batch],
        "file_sha256": [parsed.sha256 for parsed in batch],
        "count_rows": [parsed.rows.num_rows for parsed in batch],
    }
    append(connection, "ops", "loads", pa.table(ledger))
    numbered = [_with_position(parsed.rows, load_id) for parsed, load_id in zip(batch, load_ids, strict=True)]
    landed = append(connection, SCHEMA, TABLE, pa.concat_tables(numbered))
    connection.commit()
    return landed


def _next_load_ids(connection: Connection, count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select nextval(pg_get_serial_sequence('ops.loads', 'load_id')) from generate_series(1, $1::int)", [count]
        )
        return [int(row[0]) for row in cursor.fetchall()]


def _analyze(url: str) -> None:
    """Fresh planner statistics: without them the first staging after a large load is planned blind."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"analyze {SCHEMA}.{TABLE}")


def _with_position(rows: pa.Table, load_id: int) -> pa.Table:
    """Add the load's id and each row's number in its file (1 is the first below the header)."""
    count = rows.num_rows
    numbered = rows.add_column(0, "_row_number", pa.array(np.arange(1, count + 1, dtype=np.int32)))
    return numbered.add_column(0, "_load_id", pa.array(np.full(count, load_id, dtype=np.int64)))
