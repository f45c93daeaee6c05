"""Corruptions of the shop's daily files of order lines, each a pure function of a file's lines and a magnitude."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bench.gates_corruption import Corruption, gzip_of_zeros

Lines = list[list[str]]
INVOICE, PRODUCT, TEXT, QUANTITY, TIME, PRICE, CUSTOMER, COUNTRY = range(8)


def as_bytes(lines: Sequence[Sequence[str]], end: str = "\n") -> bytes:
    """The lines as a CSV file; every field is quoted but empty ones."""
    quoted = (",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' if cell else "" for cell in line) for line in lines)
    return "".join(line + end for line in quoted).encode()


def every(share: float, place: int) -> bool:
    """Whether the line at this place belongs to an evenly spread `share` of all lines."""
    return int((place + 1) * share) > int(place * share)


def _cells(column: int, change: Callable[[str], str]) -> Callable[[Lines, bytes, float], bytes]:
    """Change one column in a share of the lines (below 1 or 1), or in a number of them (above)."""

    def spoil(lines: Lines, _: bytes, size: float) -> bytes:
        share = size if size <= 1 else size / (len(lines) - 1)
        body = [list(line) for line in lines[1:]]
        for place, line in enumerate(body):
            if every(share, place):
                line[column] = change(line[column])
        return as_bytes([lines[0], *body])

    return spoil


def _columns(change: Callable[[list[str]], list[str]], with_header: bool = True) -> Callable[..., bytes]:
    def spoil(lines: Lines, _: bytes, __: float) -> bytes:
        return as_bytes([change(lines[0]) if with_header else lines[0], *map(change, lines[1:])])

    return spoil


def _header(change: Callable[[list[str]], list[str]]) -> Callable[..., bytes]:
    return lambda lines, _, __: as_bytes([change(lines[0]), *lines[1:]])


def _scaled(lines: Lines, _: bytes, factor: float) -> bytes:
    return as_bytes([lines[0], *([*line[:5], f"{float(line[PRICE]) * factor:.2f}", *line[6:]] for line in lines[1:])])


def _kept(lines: Lines, _: bytes, share: float) -> bytes:
    return as_bytes([lines[0], *(line for place, line in enumerate(lines[1:]) if every(share, place))])


def _shifted(lines: Lines, _: bytes, hours: float) -> bytes:
    def move(text: str) -> str:
        then = datetime.fromisoformat(text)
        # The day stays: what passes midnight would be quarantined, which is another corruption.
        return str(min(then + timedelta(hours=hours), then.replace(hour=23, minute=59)))

    return as_bytes([lines[0], *([*line[:4], move(line[TIME]), *line[5:]] for line in lines[1:])])


def _nameless(lines: Lines, _: bytes, points: float) -> bytes:
    """Take the customer from so many named lines that the share of lines without one rises by `points`."""
    named = [place for place, line in enumerate(lines[1:]) if line[CUSTOMER]]
    share = min(1.0, points * (len(lines) - 1) / max(len(named), 1))
    lost = {place for number, place in enumerate(named) if every(share, number)}
    body = [[*line[:CUSTOMER], "" if n in lost else line[CUSTOMER], *line[7:]] for n, line in enumerate(lines[1:])]
    return as_bytes([lines[0], *body])


def _unquoted(lines: Lines, _: bytes, count: float) -> bytes:
    """Take the quote behind the second field from so many lines."""
    share = count / (len(lines) - 1)
    texts = [as_bytes([line]) for line in lines]
    broken = [
        text.replace(b'",', b",", 2).replace(b",", b'",', 1) if every(share, place) else text
        for place, text in enumerate(texts[1:])
    ]
    return b"".join([texts[0], *broken])


def _without_invoices(lines: Lines, _: bytes, share: float) -> bytes:
    """Leave out all lines of a share of the invoices."""
    numbers = list(dict.fromkeys(line[INVOICE] for line in lines[1:]))
    lost = {number for place, number in enumerate(numbers) if every(share, place)}
    return as_bytes([lines[0], *(line for line in lines[1:] if line[INVOICE] not in lost)])


def _with_repeats(lines: Lines, _: bytes, count: float) -> bytes:
    share = count / (len(lines) - 1)
    return as_bytes([*lines, *(line for place, line in enumerate(lines[1:]) if every(share, place))])


def _swapped(text: str) -> str:
    return f"{text[:4]}-{text[8:10]}-{text[5:7]}{text[10:]}"


ONE = (1.0,)
FEW = (2.0, 10.0, 30.0)
CORRUPTIONS = (
    Corruption(1, "empty file", "B", 1, ONE, lambda *_: b""),
    Corruption(
        2, "truncated (share kept)", "B", 0.5, (0.1, 0.5, 0.999), lambda x, _, m: (b := as_bytes(x))[: int(len(b) * m)]
    ),
    Corruption(4, "yesterday's file again", "B", 1, ONE, lambda _, yesterday, __: yesterday),
    Corruption(5, "share of the volume", "B", 0.5, (0.3, 0.5, 0.7), _kept),
    Corruption(6, "times the volume", "B", 3, (2, 3, 5), lambda x, _, m: as_bytes([x[0], *x[1:] * int(m)])),
    Corruption(8, "UTF-16", "B", 1, ONE, lambda x, *_: as_bytes(x).decode().encode("utf-16")),
    Corruption(9, "byte order mark and CRLF", "-", 1, ONE, lambda x, *_: b"\xef\xbb\xbf" + as_bytes(x, "\r\n")),
    Corruption(3, "same file twice (packed anew)", "-", 1, ONE, lambda x, *_: as_bytes(x), is_sent_twice=True),
    Corruption(7, "zip bomb (GiB)", "B", 1.01, (1.01,), lambda _, __, m: gzip_of_zeros(int(m * (1 << 30)))),
    Corruption(10, "broken quoting (lines)", "Q", 10, (1, 10, 60), _unquoted),
    Corruption(11, "column dropped", "B", 1, ONE, _columns(lambda line: line[:7])),
    Corruption(12, "column added", "W", 1, ONE, _columns(lambda line: [*line, "more"])),
    Corruption(13, "column renamed", "B", 1, ONE, _header(lambda h: [*h[:5], "Price", *h[6:]])),
    Corruption(14, "type changed", "B", 1, (0.01, 0.2, 1), _cells(QUANTITY, lambda _: "some")),
    Corruption(15, "columns reordered", "-", 1, ONE, _columns(lambda line: line[::-1])),
    Corruption(16, "case of the header", "B", 1, ONE, _header(lambda h: [name.lower() for name in h])),
    Corruption(
        17, "two columns swapped", "B", 1, ONE,
        _columns(lambda line: [*line[:3], line[PRICE], line[TIME], line[QUANTITY], *line[6:]], False),
    ),
    Corruption(18, "null key", "Q", 10, FEW, _cells(INVOICE, lambda _: "")),
    Corruption(19, "duplicate lines", "Q", 10, FEW, _with_repeats),
    Corruption(22, "missing child rows (invoices)", "B", 0.05, (0.01, 0.05, 0.2), _without_invoices),
    Corruption(24, "negative amount", "Q", 10, FEW, _cells(PRICE, lambda price: f"-{price}")),
    Corruption(25, "cents for units (share)", "B", 1, (0.1, 0.6, 1), _cells(PRICE, lambda p: f"{float(p) * 100:.2f}")),
    Corruption(26, "currency changed (rate)", "B", 1.17, (1.05, 1.17, 7.8), _scaled),
    Corruption(29, "N/A as customer", "Q", 10, FEW, _cells(CUSTOMER, lambda _: "N/A")),
    Corruption(29, "1900-01-01", "Q", 10, FEW, _cells(TIME, lambda _: "1900-01-01 00:00:00")),
    Corruption(30, "overflow", "Q", 10, FEW, _cells(PRICE, lambda _: "123456789012.00")),
    Corruption(30, "NaN", "Q", 10, FEW, _cells(PRICE, lambda _: "NaN")),
    Corruption(31, "control characters in text", "Q", 10, FEW, _cells(TEXT, lambda text: f"{text}\x07\u200b")),
    Corruption(32, "formula and SQL in text", "-", 10, FEW, _cells(TEXT, lambda _: "=1+1'; drop table x; {{ x }}")),
    Corruption(33, "future date", "Q", 10, FEW, _cells(TIME, lambda text: f"2099{text[4:]}")),
    Corruption(34, "shifted by hours", "B", 1, (0.25, 0.5, 1), _shifted),
    Corruption(35, "day and month swapped", "B", 1, (0.05, 0.5, 1), _cells(TIME, _swapped)),
    Corruption(36, "stale feed: no file", "B", 1, ONE, lambda *_: None),
    Corruption(37, "late (days)", "W", 10, (5, 10, 20), lambda x, *_: as_bytes(x[:-1]), is_late=True),
    Corruption(38, "null rate up for a week (points)", "W", 0.05, (0.03, 0.05, 0.08), _nameless, days=7),
    Corruption(38, "null rate up for a day (points)", "W", 0.12, (0.05, 0.08, 0.12), _nameless),
    Corruption(38, "null rate up for a day (points)", "B", 0.2, (0.15, 0.2, 0.3), _nameless),
    Corruption(39, "share shift (countries)", "W", 0.4, (0.1, 0.4, 0.7), _cells(COUNTRY, lambda _: "Atlantis")),
)  # fmt: skip
