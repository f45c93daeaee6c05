"""Days without a fault through the comparisons with earlier days: how often they block or warn for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import psycopg

from expectations.books import compare_books, read_books
from expectations.days_gate import BOOK_COLUMNS, COLUMNS, book_figures, figures
from expectations.drift import WINDOW_DAYS, compare
from expectations.profiles import days_to_judge
from expectations.suites import shop_order_lines_days, shop_payments_days
from kehu.warehouse.quarantine import Load
from kehu.warehouse.runs import Night


def measure_clean(url: str, last: date, nights: int) -> dict[str, Any]:
    """Judge each of the last `nights` days of order lines that were accepted, on what lay before it."""
    found: Counter[str] = Counter()
    days = _days(url, last - timedelta(days=nights - 1), last)
    for load, day in days:
        (judged,) = days_to_judge(url, Night(0, day), [load])
        books = read_books(url, day - timedelta(days=WINDOW_DAYS), dict(judged.window) | {day: load.load_id})
        row = figures(compare(day, judged.profile, judged.history), judged.price_moves)
        found.update(_failed(shop_order_lines_days, COLUMNS, row))
        found.update(_failed(shop_payments_days, BOOK_COLUMNS, book_figures(compare_books(day, books))))
    blocks = sum(count for name, count in found.items() if name.startswith("block"))
    return {"nights": len(days), "blocks": blocks, "warnings": sum(found.values()) - blocks, "by": dict(found)}


def _failed(suite: Any, columns: Sequence[str], row: Sequence[float]) -> list[str]:
    checks = {check.expectation.column: check for check in suite.checks()}
    return [
        f"{checks[column].severity}: {checks[column].rule}"
        for column, value in zip(columns[1:], row, strict=True)
        if abs(value) > checks[column].expectation.max_value
    ]


def _days(url: str, first: date, last: date) -> list[tuple[Load, date]]:
    query = """
        select load_id, source, entity, file_name, count_rows, file_date from ops.loads
        where entity = 'order_lines' and status = 'accepted' and file_date between %s and %s order by file_date
    """
    with psycopg.connect(url) as connection:
        return [(Load(*row), day) for *row, day in connection.execute(query, [first, last]).fetchall()]
