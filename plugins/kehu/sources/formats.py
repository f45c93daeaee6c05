"""One file's bytes as raw rows: CSV and Parquet as text columns, JSON Lines as records.

Every function raises `FormatError` for what makes the whole file untrustworthy; single bad records are kept and marked,
so that the raw gate can quarantine them by position.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

UTC = timezone.utc
NOT_JSON, NO_KEY, NO_TIME = "not_json", "no_key", "no_time"


class FormatError(ValueError):
    """The file's content cannot be trusted; `row` is where, if known (0 is the header)."""

    def __init__(self, reason: str, row: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.row = reason, row


def to_utf8(content: bytes, encoding: str) -> bytes:
    """The same text in UTF-8; UTF-8 itself is checked and returned as it is."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start)
        if error.reason == "unexpected end of data":
            raise FormatError("the file is truncated within a character", row) from None
        name = codecs.lookup(encoding).name.upper()
        raise FormatError(f"bytes that are not {name}: another encoding or a damaged file", row) from None
    if "\x00" in text:
        raise FormatError("a NUL byte: a damaged or binary file", text.count("\n", 0, text.index("\x00")))
    return content if codecs.lookup(encoding).name == "utf-8" else text.encode()


def read_csv(content: bytes, encoding: str = "utf-8", separator: str = ",", quote: str = '"') -> pa.Table:
    """All rows as text columns; an empty field is null."""
    if not content.strip():
        raise FormatError("the file is empty; a file without rows still has the header")
    content = to_utf8(content, encoding)
    if not content.endswith((b"\n", b"\r")):
        raise FormatError("the file is truncated: its last line has no end", content.count(b"\n"))
    header = _header(content, separator, quote)
    if len(set(header)) < len(header):
        raise FormatError("the header names a column twice", 0)
    parse = _csv_parser(content, header, separator, quote)
    try:
        return parse(True)
    except pa.ArrowInvalid:
        pass
    # Only a single thread over a single block counts rows; a good file never comes here.
    bad_rows: list[csv.InvalidRow] = []

    def remember(row: csv.InvalidRow) -> str:
        bad_rows.append(row)
        return "skip"

    try:
        table = parse(False, remember)
    except pa.ArrowInvalid:
        raise FormatError("the file is not readable as CSV") from None
    if not bad_rows:
        return table
    first = bad_rows[0]
    raise FormatError(
        f"{first.actual_columns} fields instead of {first.expected_columns}: truncated or broken quoting",
        first.number - 1 if first.number else None,
    )


def _csv_parser(content: bytes, header: Sequence[str], separator: str, quote: str) -> Callable[..., pa.Table]:
    convert = csv.ConvertOptions(
        column_types={name: pa.string() for name in header}, strings_can_be_null=True, null_values=[""]
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
    first = content.lstrip(codecs.BOM_UTF8).splitlines(keepends=True)[0] if len(content) < 1 << 16 else None
    line = first or content[: content.index(b"\n") + 1].removeprefix(codecs.BOM_UTF8)
    options = csv.ParseOptions(delimiter=separator, quote_char=quote)
    try:
        return list(csv.read_csv(pa.BufferReader(line), parse_options=options).column_names)
    except pa.ArrowInvalid:
        raise FormatError("the header is not readable as CSV", 0) from None


def read_parquet(content: bytes) -> pa.Table:
    """All rows as text columns: numbers in full, times in ISO 8601, nested values as JSON."""
    if not content:
        raise FormatError("the file is empty")
    try:
        table = parquet.read_table(pa.BufferReader(content))
    except (pa.ArrowInvalid, OSError):
        raise FormatError("the file is not readable as Parquet: damaged or truncated") from None
    columns = [_as_text(table.column(name)) for name in table.column_names]
    return pa.table(columns, names=table.column_names)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_timestamp(kind):
        # Without a zone the time stays a wall-clock time: staging knows whose.
        utc = column.cast(pa.timestamp("us", tz="UTC")) if kind.tz else column.cast(pa.timestamp("us"))
        return pc.strftime(utc, format="%Y-%m-%dT%H:%M:%SZ" if kind.tz else "%Y-%m-%dT%H:%M:%S")
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        texts = [
            None if value is None else orjson.dumps(value, default=_plain).decode() for value in column.to_pylist()
        ]
        return pa.chunked_array([pa.array(texts, pa.string())])
    if pa.types.is_dictionary(kind):
        return _as_text(column.cast(kind.value_type))
    return column.cast(pa.string())


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def read_json_lines(
    content: bytes, key: Sequence[str], changed_at: str | None, deleted: str | None, encoding: str = "utf-8"
) -> pa.Table:
    """One record per line with its id, its time and whether it tells of a deletion.

    A line that is not a JSON object, or lacks its key or a readable time, is kept with `_fault`.
    """
    text = to_utf8(content, encoding).decode("utf-8-sig")
    if text and not text.endswith("\n"):
        raise FormatError("the file is truncated: its last line has no end", text.count("\n") + 1)
    lines = text.split("\n")[:-1]
    rows = [_record(line.rstrip("\r"), key, changed_at, deleted) for line in lines]
    names = ("_record_id", "_is_deleted", "_changed_at", "_fault", "record", "_unread")
    types = (pa.string(), pa.bool_(), pa.string(), pa.string(), pa.string(), pa.string())
    columns = list(zip(*rows, strict=True)) if rows else [[] for _ in names]
    return pa.table([pa.array(values, kind) for values, kind in zip(columns, types, strict=True)], names=list(names))


Row = tuple[str | None, bool, str | None, str | None, str | None, str | None]


def _record(line: str, key: Sequence[str], changed_at: str | None, deleted: str | None) -> Row:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    # PostgreSQL keeps no NUL in a text: such a record is unreadable there.
    if not isinstance(record, dict) or "\\u0000" in line:
        return None, False, None, NOT_JSON, None, line
    parts = [record.get(name) for name in key]
    record_id = None if any(part is None or part == "" for part in parts) else "|".join(map(str, parts))
    at = to_time(record.get(changed_at)) if changed_at else None
    is_deleted = bool(deleted and record.get(deleted))
    fault = NO_KEY if key and record_id is None else NO_TIME if changed_at and at is None and not is_deleted else None
    return record_id, is_deleted, at.isoformat() if at else None, fault, line, None


def to_time(value: Any) -> datetime | None:
    """A point in time from ISO 8601 (without a zone: UTC) or milliseconds since the epoch; None if it is neither."""
    try:
        if isinstance(value, int) or (isinstance(value, str) and value.isdigit() and len(value) > 8):
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
