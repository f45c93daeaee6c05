"""The first gate: files that landed and rows in them, before staging reads any."""

from __future__ import annotations

from collections import Counter

from expectations.gate import GateError, record, require_open, run_gate
from expectations.suites import shop_order_lines as suite
from kehu.warehouse.quarantine import BadRow, Load, loads_to_check, settle
from kehu.warehouse.runs import Counts, Night

GATE = "raw"


def check_raw(url: str, night: Night) -> Counts:
    """Check what no gate has accepted yet: accept files, quarantine rows, reject broken files.

    Raises
    ------
    GateError
        If a file is broken or a check cannot run; nothing of the files at hand is accepted then.
    """
    loads = loads_to_check(url, "shop", night)
    count_rows = sum(load.count_rows for load in loads)
    if count_rows == 0:
        settle(url, night, loads, [], [])
        return Counts(0, 0, 0)
    query = suite.QUERY.format(load_ids=", ".join(str(load.load_id) for load in loads))
    outcomes = run_gate(url, query, suite.checks(), suite.KEY)
    record(url, night.run_id, GATE, suite.TABLE, outcomes)
    require_open(suite.TABLE, outcomes)
    bad = [
        BadRow(load_id, row_number, outcome.check.rule, outcome.check.reason)
        for outcome in outcomes
        for load_id, row_number in outcome.positions
    ]
    broken = _broken_files(loads, bad)
    if broken:
        settle(url, night, [], broken, [])
        raise GateError(_why(broken[0], bad))
    settle(url, night, loads, [], bad)
    count_bad = len({(row.load_id, row.row_number) for row in bad})
    return Counts(count_rows, count_rows - count_bad, count_bad)


def _broken_files(loads: list[Load], bad: list[BadRow]) -> list[Load]:
    counts = Counter(load_id for load_id, _ in {(row.load_id, row.row_number) for row in bad})
    return [
        load
        for load in loads
        if counts[load.load_id] > max(suite.MAX_BROKEN_ROWS, suite.MAX_BROKEN_SHARE * load.count_rows)
    ]


def _why(load: Load, bad: list[BadRow]) -> str:
    rows = [row for row in bad if row.load_id == load.load_id]
    first = min(rows, key=lambda row: row.row_number)
    count = len({row.row_number for row in rows})
    return (
        f"shop: {load.file_name}, row {first.row_number}: {first.reason};"
        f" {count} of {load.count_rows} rows are broken, so the whole file is refused"
    )
