"""What can still be trusted of a CSV file whose quoting is broken in places: slow, and only asked for such files."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

import pyarrow as pa

# A field may go on over so many lines; a quote that is open for longer was lost, not meant.
MAX_LINES = 20
MAX_SHARE = 0.1
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")


def mend(text: str, header: Sequence[str], separator: str, quote: str) -> pa.Table | None:
    """All rows of a file, those without a value whose lines cannot be read; None where too much is broken to tell.

    Each line stands for itself: one with a stray quote costs itself and no other. At most a tenth may be broken.
    """
    lines = [line for line in LINE.findall(text) if line.strip("\r\n")][_header_lines(text, separator, quote) :]
    rows: list[list[str | None] | None] = []
    place, count_broken, limit = 0, 0, MAX_SHARE * len(lines)
    while place < len(lines):
        cells, taken = _row(lines[place : place + MAX_LINES], len(header), separator, quote)
        rows.append(cells)
        place += taken
        count_broken += cells is None
        if count_broken > limit:
            return None
    if not rows:
        return None
    nothing = [None] * len(header)
    columns = zip(*(nothing if row is None else row for row in rows), strict=True)
    return pa.table([pa.array(column, pa.string()) for column in columns], names=list(header))


def unread_rows(rows: pa.Table) -> list[int]:
    """The numbers (from 1) of rows without any value."""
    is_empty = [all(value is None for value in row) for row in zip(*(c.to_pylist() for c in rows.columns), strict=True)]
    return [number for number, empty in enumerate(is_empty, 1) if empty]


def _row(lines: Sequence[str], width: int, separator: str, quote: str) -> tuple[list[str | None] | None, int]:
    """The row that begins with the first of `lines` and how many of them it takes; None if it cannot be read."""
    text = ""
    for taken, line in enumerate(lines, 1):
        text += line
        if text.count(quote) % 2:
            continue  # within quotes the row goes on
        try:
            (cells,) = csv.reader([text], delimiter=separator, quotechar=quote, strict=True)
        except (csv.Error, ValueError):
            break
        if len(cells) != width:
            break
        return [cell or None for cell in cells], taken
    return None, 1


def _header_lines(text: str, separator: str, quote: str) -> int:
    """How many lines the header takes; the caller has read it, so it is sound."""
    quotes = 0
    for number, line in enumerate((line for line in LINE.findall(text) if line.strip("\r\n")), 1):
        quotes += line.count(quote)
        if quotes % 2 == 0:
            return number
    return 0
