"""One file's bytes as raw rows: CSV and Parquet as text columns, JSON Lines as records.

Every function raises `FormatError` for what makes the whole file untrustworthy; single bad records are kept and marked,
so that the raw gate can quarantine them by position.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from kehu.sources.broken_csv import mend
from kehu.sources.values import EPOCH, instant, instant_of_milliseconds
from kehu.warehouse.landing import OWN_COLUMNS, record_id

NOT_JSON, NO_KEY, NO_TIME = "not_json", "no_key", "no_time"
# PostgreSQL: what it calls the columns of its own, how long a name and how wide a table may be.
SYSTEM_COLUMNS = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
MAX_NAME_BYTES, MAX_COLUMNS = 63, 1500
ENDS_EARLY = ("unexpected end of data", "truncated data", "incomplete multibyte sequence")
LINES_AT_ONCE = 50_000


class FormatError(ValueError):
    """The file's content cannot be trusted; `row` is where, if known (0 is the header)."""

    def __init__(self, reason: str, row: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.row = reason, row


class BrokenRows(FormatError):
    """Rows of the file cannot be told from one another, from `row` on; its header and its encoding are sound."""


def to_utf8(content: bytes, encoding: str, row_after: Callable[[str], int]) -> bytes:
    """The same text in UTF-8 without a byte order mark; `row_after` tells the row that follows a text."""
    name = codecs.lookup(encoding).name
    if name == "utf-8" and content.isascii() and b"\x00" not in content:
        return content
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        row = row_after(content[: error.start].decode(encoding, "ignore"))
        if error.reason in ENDS_EARLY and error.end >= len(content):
            raise FormatError("the file is truncated within a character", row) from None
        raise FormatError(f"bytes that are not {name.upper()}: another encoding or a damaged file", row) from None
    if "\x00" in text:
        raise FormatError("a NUL byte: a damaged or binary file", row_after(text[: text.index("\x00")]))
    return (content if name == "utf-8" else text.encode()).removeprefix(codecs.BOM_UTF8)


def read_csv(content: bytes, encoding: str = "utf-8", separator: str = ",", quote: str = '"') -> pa.Table:
    """All rows as text columns; an empty field is null."""

    def row_after(text: str) -> int:
        return _csv_row_after(text, quote)

    content = to_utf8(content, encoding, row_after)
    if not content.strip():
        raise FormatError("the file is empty; a file without rows still has the header")
    if not content.endswith((b"\n", b"\r")):
        raise FormatError("the file is truncated: its last line has no end", row_after(content.decode()))
    header = _header(content, separator, quote)
    require_names(header)
    # The parser takes the end of the file for the end of a quoted field. With one empty row more, an open field
    # shows: it swallows that row.
    closing = separator.join([quote * 2] * len(header)) + "\n"
    table = _parse_csv(content + closing.encode(), header, separator, quote)
    if any(column[-1].is_valid for column in table.columns):
        raise BrokenRows("a quoted field has no end: truncated or broken quoting", table.num_rows)
    return table.slice(0, table.num_rows - 1)


def read_broken_csv(content: bytes, encoding: str = "utf-8", separator: str = ",", quote: str = '"') -> pa.Table | None:
    """The rows of a file for which `read_csv` raised `BrokenRows`, line by line; None where too few can be trusted.

    A line that cannot be read is a row without any value.
    """
    content = to_utf8(content, encoding, lambda _: 0)
    return mend(content.decode(), _header(content, separator, quote), separator, quote)


def _csv_row_after(text: str, quote: str) -> int:
    """The number of the row that goes on after this text; blank lines are no rows, line ends in quotes end none."""
    outside = "x".join(text.split(quote)[::2]) + "x"
    return sum(1 for line in re.split(r"[\r\n]+", outside) if line) - 1


def _parse_csv(content: bytes, header: Sequence[str], separator: str, quote: str) -> pa.Table:
    parse = _csv_parser(content, header, separator, quote)
    try:
        return parse(True)
    except pa.ArrowInvalid:
        pass
    # Only a single thread over a single block counts rows; a good file comes here for a row above the block size.
    bad_rows: list[csv.InvalidRow] = []

    def remember(row: csv.InvalidRow) -> str:
        bad_rows.append(row)
        return "skip"

    try:
        table = parse(False, remember)
    except pa.ArrowInvalid:
        raise BrokenRows("the file is not readable as CSV") from None
    if not bad_rows:
        return table
    first = bad_rows[0]
    raise BrokenRows(
        f"{first.actual_columns} fields instead of {first.expected_columns}: truncated or broken quoting",
        first.number - 1 if first.number else None,
    )


def _csv_parser(content: bytes, header: Sequence[str], separator: str, quote: str) -> Callable[..., pa.Table]:
    convert = csv.ConvertOptions(
        check_utf8=False,
        column_types={name: pa.string() for name in header},
        strings_can_be_null=True,
        null_values=[""],
    )

    def parse(threads: bool, handler: Callable[[csv.InvalidRow], str] | None = None) -> pa.Table:
        return csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(use_threads=threads, block_size=1 << 22 if threads else len(content) + 1),
            parse_options=csv.ParseOptions(
                delimiter=separator, quote_char=quote, newlines_in_values=True, invalid_row_handler=handler
            ),
            convert_options=convert,
        )

    return parse


def _header(content: bytes, separator: str, quote: str) -> list[str]:
    """The column names, without reading the rows."""
    start = len(content) - len(content.lstrip(b"\r\n"))
    quotes, seen = 0, start
    for end in re.finditer(rb"[\r\n]", content[start:] if start else content):
        quotes += content.count(quote.encode(), seen, start + end.end())
        seen = start + end.end()
        if quotes % 2 == 0:
            break
    options = csv.ParseOptions(
        delimiter=separator, quote_char=quote, newlines_in_values=True, invalid_row_handler=lambda _: "skip"
    )
    try:
        return list(csv.read_csv(pa.BufferReader(content[:seen]), parse_options=options).column_names)
    except pa.ArrowInvalid:
        raise FormatError("the header is not readable as CSV", 0) from None


def require_names(header: Sequence[str]) -> None:
    """Refuse a header that a table cannot have. Names are not quoted: without a header, a customer's row is there."""
    if not header:
        raise FormatError("the file has no columns", 0)
    if len(header) > MAX_COLUMNS:
        raise FormatError(f"{len(header)} columns; more than {MAX_COLUMNS} do not fit into a table", 0)
    if len(set(header)) < len(header):
        raise FormatError("the header names a column twice", 0)
    for place, name in enumerate(header, 1):
        if not name or "\x00" in name:
            raise FormatError(f"column {place} has no name", 0)
        if len(name.encode()) > MAX_NAME_BYTES:
            raise FormatError(f"the name of column {place} is longer than {MAX_NAME_BYTES} bytes", 0)
        if name in OWN_COLUMNS or name in SYSTEM_COLUMNS:
            raise FormatError(f"the name of column {place} is one that the warehouse needs itself", 0)


def read_parquet(content: bytes) -> pa.Table:
    """All rows as text columns: numbers in full, times in ISO 8601, bytes in hex, nested values as JSON."""
    if not content:
        raise FormatError("the file is empty")
    try:
        table = parquet.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()
        table.validate(full=True)
    except (pa.ArrowException, OSError):
        raise FormatError("the file is not readable as Parquet: damaged or truncated") from None
    require_names(table.column_names)
    columns = []
    for place, column in enumerate(table.columns, 1):
        try:
            columns.append(_as_text(column))
        except (pa.ArrowException, ValueError, OverflowError):
            raise FormatError(f"column {place} has values that cannot be told as text") from None
        nul = pc.index(pc.match_substring(columns[-1], "\x00"), True).as_py()
        if nul >= 0:
            raise FormatError("a NUL byte: a damaged or binary file", nul + 1)
    return pa.table(columns, names=table.column_names)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _as_text(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _as_text(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        # Without a zone the time stays a wall-clock time: staging knows whose. %S has the unit's fractions.
        moments = column.cast(pa.timestamp(kind.unit, "UTC")) if kind.tz else column
        return pc.strftime(moments, format="%Y-%m-%dT%H:%M:%SZ" if kind.tz else "%Y-%m-%dT%H:%M:%S")
    if pa.types.is_nested(kind):
        return _mapped(column, lambda value: orjson.dumps(value, default=_plain).decode())
    if pa.types.is_fixed_size_binary(kind) or str(kind) in ("binary", "large_binary", "binary_view"):
        return _mapped(column, bytes.hex)
    texts = column.cast(pa.string())
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        exponents = pc.any(pc.match_substring(texts, "e", ignore_case=True)).as_py()
        return _mapped(texts, _in_full) if exponents else texts
    return texts


def _mapped(column: pa.ChunkedArray, text: Callable[[Any], str]) -> pa.ChunkedArray:
    texts = [None if value is None else text(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _in_full(number: str) -> str:
    return format(Decimal(number), "f") if "e" in number.lower() else number


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    return value.hex() if isinstance(value, bytes) else str(value)


def read_json_lines(
    content: bytes, key: Sequence[str], changed_at: str | None, deleted: str | None, encoding: str = "utf-8"
) -> pa.Table:
    """One record per line with its id, its time and whether it tells of a deletion.

    A line that is not a JSON object, or lacks its key or a readable time, is kept with `_fault`.
    """
    content = to_utf8(content, encoding, lambda text: text.count("\n") + 1)
    if content and not content.endswith(b"\n"):
        raise FormatError("the file is truncated: its last line has no end", content.count(b"\n") + 1)
    lines = iter(io.BytesIO(content))
    batches = []
    # Some lines at a time: a million of them as objects of Python would take gigabytes.
    while some := list(islice(lines, LINES_AT_ONCE)):
        rows = [_record(line.rstrip(b"\r\n"), key, changed_at, deleted) for line in some]
        columns = zip(zip(*rows, strict=True), RECORD_SCHEMA.types, strict=True)
        batches.append(pa.record_batch([pa.array(values, kind) for values, kind in columns], schema=RECORD_SCHEMA))
    return pa.Table.from_batches(batches, RECORD_SCHEMA)


RECORD_SCHEMA = pa.schema(
    {
        "_record_id": pa.string(),
        "_is_deleted": pa.bool_(),
        "_changed_at": pa.string(),
        "_fault": pa.string(),
        "record": pa.string(),
        "_unread": pa.string(),
    }
)
Row = tuple[str | None, bool, str | None, str | None, bytes | None, bytes | None]
# PostgreSQL keeps no NUL in a text and no number with more than 16383 digits below one.
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
TINY = re.compile(rb"[eE]-[0-9]{4}")
FALSE = ("", "0", "false", "f", "no", "n", "null")


def _record(line: bytes, key: Sequence[str], changed_at: str | None, deleted: str | None) -> Row:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict) or (b"\\u0000" in line and NUL.search(line)) or _has_tiny_number(line):
        return None, False, None, NOT_JSON, None, line
    identity = _identity(record, line, key)
    at = to_time(record.get(changed_at)) if changed_at else None
    is_deleted = bool(deleted) and _is_true(record.get(deleted))
    fault = NO_KEY if key and identity is None else NO_TIME if changed_at and at is None and not is_deleted else None
    return identity, is_deleted, at.isoformat() if at else None, fault, line, None


def _identity(record: dict[str, Any], line: bytes, key: Sequence[str]) -> str | None:
    parts = [record.get(name) for name in key]
    if not parts or any(part is None or part == "" or isinstance(part, dict | list) for part in parts):
        return None
    if any(isinstance(part, float) for part in parts):
        # A whole number above 64 bits came as a float, which other numbers share.
        exact = json.loads(line, parse_float=str)
        parts = [exact[name] for name in key]
    return record_id([str(part) for part in parts])


def _is_true(flag: Any) -> bool:
    return flag.strip().lower() not in FALSE if isinstance(flag, str) else bool(flag)


def _has_tiny_number(line: bytes) -> bool:
    if not (b"e-" in line or b"E-" in line) or not TINY.search(line):
        return False
    found: list[bool] = []

    def look(text: str) -> None:
        exponent = Decimal(text).as_tuple().exponent
        found.append(isinstance(exponent, int) and exponent < -16383)

    json.loads(line, parse_float=look)
    return any(found)


def to_time(value: Any) -> datetime | None:
    """A point in time from ISO 8601 (without a zone: UTC) or milliseconds since the epoch; None if it is neither."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return EPOCH + timedelta(milliseconds=value)
    except (ValueError, OverflowError):
        return None
    if isinstance(value, str) and value.isdigit() and len(value) > 8:
        return instant_of_milliseconds(value)
    return instant(value)
