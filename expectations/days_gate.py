"""The raw gate's second look: days of the shop's lines beside the nights before them, and beside their payments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from expectations.books import Gap, compare_books, read_books
from expectations.drift import WINDOW_DAYS, Drift, compare, price_move
from expectations.gate import GateError, Outcome, record, run_gate
from expectations.profiles import Day
from expectations.records_gate import GATE, look
from expectations.suites import shop_order_lines_days as suite
from expectations.suites import shop_order_lines_repeats as repeats_suite
from expectations.suites import shop_payments_days as books_suite
from kehu.warehouse.quarantine import BadRow, Load
from kehu.warehouse.runs import Night

COLUMNS = (
    "load_id",
    "volume",
    "price_move",
    "hours",
    "nameless_block",
    "nameless_warn",
    "nameless_pool",
    "countries",
)
BOOK_COLUMNS = ("load_id", "missing", "off", "hours", "unpaid")


def check_days(url: str, night: Night, loads: Sequence[Load], days: Sequence[Day], bad: Sequence[BadRow]) -> None:
    """Compare days among `loads` with the same weekdays before them, and with the payments of their invoices.

    Each of the `bad` rows, which will not count, may be what an invoice lacks.

    Raises
    ------
    GateError
        If a day is so unlike them that the file cannot be trusted; `ops.waivers` lets one through that is right.
    """
    if not days:
        return
    rows = [(day.load_id, *figures(compare(day.day, day.profile, day.history), day.price_moves)) for day in days]
    _check(url, night, loads, Table(suite, COLUMNS, rows))
    books = read_books(url, min(day.day for day in days) - timedelta(days=WINDOW_DAYS), _loads(days))
    lacking = Counter(load_id for load_id, _ in {(row.load_id, row.row_number) for row in bad})
    gaps = [(day.load_id, *book_figures(compare_books(day.day, books), lacking[day.load_id])) for day in days]
    _check(url, night, loads, Table(books_suite, BOOK_COLUMNS, gaps))


def repeated_lines(url: str, night: Night, days: Sequence[Day]) -> list[Outcome]:
    """Look for lines that come again more often than in the days before.

    Raises
    ------
    GateError
        If the check cannot run.
    """
    pairs = [(day.load_id, list(day.window.values())) for day in days if day.window]
    return look(url, night, repeats_suite.TABLE, repeats_suite.query(pairs), repeats_suite.checks()) if pairs else []


def figures(drift: Drift, price_moves: Sequence[float]) -> tuple[float, ...]:
    """The columns of the suite after the load's id: both sizes of a pair count, so the smaller decides."""
    move, errors = price_move(price_moves) if len(price_moves) >= suite.MIN_PRODUCTS else (0.0, 0.0)
    return (
        min(abs(drift.volume) / suite.MAX_VOLUME, abs(drift.volume_spreads) / suite.MAX_VOLUME_SPREADS),
        min(abs(move) / suite.MAX_PRICE_MOVE, abs(errors) / suite.MAX_PRICE_ERRORS),
        drift.hours,
        max(0.0, min(drift.nameless / suite.MAX_NAMELESS, drift.nameless_spreads / suite.MAX_NAMELESS_SPREADS)),
        max(0.0, min(drift.nameless / suite.WARN_NAMELESS, drift.nameless_spreads / suite.WARN_NAMELESS_SPREADS)),
        max(
            0.0,
            min(drift.nameless_pool / suite.WARN_POOL, drift.nameless_pool_spreads / suite.WARN_POOL_SPREADS),
        ),
        drift.countries,
    )


def book_figures(gap: Gap, lacking: int = 0) -> tuple[float, ...]:
    """The columns of the suite of books after the load's id; `lacking` rows explain as many invoices."""
    return (
        max(0.0, gap.missing - lacking) / gap.max_missing,
        max(0.0, gap.off - lacking) / gap.max_off,
        gap.hours,
        max(0.0, gap.unpaid) / gap.max_unpaid,
    )


class Table(NamedTuple):
    """Figures of days as rows, and the suite that asks them."""

    suite: Any
    columns: Sequence[str]
    rows: Sequence[tuple[float, ...]]

    @property
    def query(self) -> str:
        values = ", ".join("(" + ", ".join(f"{value!r}::float8" for value in row) + ")" for row in self.rows)
        return f"select * from (values {values}) as days ({', '.join(self.columns)})"


def _loads(days: Sequence[Day]) -> dict[date, int]:
    return {day: load for one in days for day, load in one.window.items()} | {one.day: one.load_id for one in days}


def _check(url: str, night: Night, loads: Sequence[Load], table: Table) -> None:
    outcomes = run_gate(url, table.query, table.suite.checks(), table.suite.KEY)
    record(url, night.run_id, GATE, table.suite.TABLE, outcomes)
    for outcome in outcomes:
        if not outcome.is_passed and outcome.severity == "block":
            raise GateError(_why(outcome, table, loads))


def _why(outcome: Outcome, table: Table, loads: Sequence[Load]) -> str:
    check = outcome.check
    if outcome.error:
        return f"{table.suite.TABLE}: {check.rule}: {outcome.error}"
    names = {load.load_id: load.file_name for load in loads}
    place, limit = table.columns.index(check.expectation.column), check.expectation.max_value
    odd = [int(row[0]) for row in table.rows if abs(row[place]) > limit]
    return (
        f"shop: {', '.join(f'{names[load_id]} (load {load_id})' for load_id in odd)}: {check.reason}."
        f" If it is right all the same: make waive LOAD={odd[0]} REASON=..."
    )
