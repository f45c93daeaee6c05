"""The first gate: what landed, before staging reads any of it.

The shop's order lines have a suite of their own. Records (JSON Lines, databases, APIs) are checked for what makes one
readable, those of some entities for what they tell; columns of other files are held to their contract when they land,
so their loads are accepted here. At the end records are asked for the invoices they name. Loads and sources as a whole
are looked at for lines that cannot be read, columns, delay and freshness.
"""

from __future__ import annotations

from expectations.days_gate import check_days, repeated_lines
from expectations.gate import GateError
from expectations.profiles import days_to_judge
from expectations.records_gate import ORDER_LINES, bad_rows, broken_files, check_records, look
from expectations.references_gate import check_references
from expectations.sources_gate import check_freshness, check_loads
from expectations.suites import shop_order_lines as suite
from kehu.warehouse.quarantine import (
    BadRow,
    Load,
    fresh_loads,
    loads_to_check,
    replays_to_check,
    settle,
    unread_rows,
)
from kehu.warehouse.runs import Counts, Night


def check_raw(url: str, night: Night) -> Counts:
    """Check what no gate has accepted yet: accept loads, quarantine rows, reject broken files.

    Raises
    ------
    GateError
        If a file of order lines is broken or a check cannot run; nothing of the files at hand is accepted then.
    """
    check_loads(url, night, fresh_loads(url, night))
    both = (check_records(url, night), _check_order_lines(url, night))
    count_orphans = check_references(url, night)
    check_freshness(url, night)
    rows_in, rows_out, quarantined = (
        sum(getattr(counts, name) or 0 for counts in both) for name in ("rows_in", "rows_out", "quarantined")
    )
    return Counts(rows_in, rows_out - count_orphans, quarantined + count_orphans)


def _check_order_lines(url: str, night: Night) -> Counts:
    days = loads_to_check(url, *ORDER_LINES, night)
    loads = days + replays_to_check(url, *ORDER_LINES, night)
    count_rows = sum(load.count_rows for load in loads)
    if count_rows == 0:
        settle(url, night, loads, [], [])
        return Counts(0, 0, 0)
    query = suite.QUERY.format(load_ids=", ".join(str(load.load_id) for load in loads))
    outcomes = look(url, night, suite.TABLE, query, suite.checks(), suite.KEY)
    judged = days_to_judge(url, night, days)
    bad = bad_rows([*outcomes, *repeated_lines(url, night, judged)]) + unread_rows(url, loads)
    broken = broken_files(loads, bad)
    if broken:
        settle(url, night, [], broken, [])
        raise GateError(_why(broken[0], bad))
    # A day that is odd as a whole is refused before any of it counts; it stays landed until it is mended or waived.
    check_days(url, night, days, judged, bad)
    settle(url, night, loads, [], bad)
    count_bad = len({(row.load_id, row.row_number) for row in bad})
    return Counts(count_rows, count_rows - count_bad, count_bad)


def _why(load: Load, bad: list[BadRow]) -> str:
    rows = [row for row in bad if row.load_id == load.load_id]
    first = min(rows, key=lambda row: row.row_number)
    count = len({row.row_number for row in rows})
    return (
        f"shop: {load.file_name}, row {first.row_number}: {first.reason};"
        f" {count} of {load.count_rows} rows are broken, so the whole file is refused"
    )
