"""Nights without a fault through the comparison with earlier nights: how often it blocks or warns for nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import psycopg

from expectations.days_gate import COLUMNS, figures
from expectations.drift import compare
from expectations.profiles import days_to_judge
from expectations.suites import shop_order_lines_days as suite
from kehu.warehouse.quarantine import Load
from kehu.warehouse.runs import Night


def measure_clean(url: str, last: date, nights: int) -> dict:
    """Judge each of the last `nights` days of order lines that were accepted, on what lay before it."""
    limits = {check.expectation.column: check for check in suite.checks()}
    found: Counter[str] = Counter()
    for load, day in _days(url, last - timedelta(days=nights - 1), last):
        (judged,) = days_to_judge(url, Night(0, day), [load])
        row = figures(compare(day, judged.profile, judged.history), judged.price_moves)
        for column, value in zip(COLUMNS[1:], row, strict=True):
            if abs(value) > limits[column].expectation.max_value:
                found[f"{limits[column].severity}: {limits[column].rule}"] += 1
    blocks = sum(count for name, count in found.items() if name.startswith("block"))
    return {"nights": nights, "blocks": blocks, "warnings": sum(found.values()) - blocks, "by": dict(found)}


def _days(url: str, first: date, last: date) -> list[tuple[Load, date]]:
    query = """
        select load_id, source, entity, file_name, count_rows, file_date from ops.loads
        where entity = 'order_lines' and status = 'accepted' and file_date between %s and %s order by file_date
    """
    with psycopg.connect(url) as connection:
        return [(Load(*row), day) for *row, day in connection.execute(query, [first, last]).fetchall()]
