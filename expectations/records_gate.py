"""The raw gate for records: what could not be read is quarantined, a file that is mostly unreadable is refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from expectations.gate import Outcome, record, require_open, run_gate
from expectations.suites import records as suite
from kehu.warehouse.landing import table_name
from kehu.warehouse.quarantine import BadRow, Load, fresh_loads, settle, tables_with_faults
from kehu.warehouse.runs import Counts, Night

GATE = "raw"
ORDER_LINES = ("shop", "order_lines")
# A file with more broken rows than this is broken itself.
MAX_BROKEN_SHARE = 0.1
MAX_BROKEN_ROWS = 10


def check_records(url: str, night: Night) -> Counts:
    """Accept what landed, quarantine unreadable records, refuse files that are mostly unreadable.

    A refused file stops nobody: its entity stays at the state before, and the freshness report says so.

    Raises
    ------
    GateError
        If a check cannot run; nothing of what landed is accepted then.
    """
    loads = [load for load in fresh_loads(url, night) if (load.source, load.entity) != ORDER_LINES]
    tables = tables_with_faults(url)
    load_ids: dict[tuple[str, str], list[int]] = defaultdict(list)
    for load in loads:
        if load.count_rows and _table(load) in tables:
            load_ids[_table(load)].append(load.load_id)
    outcomes = run_gate(url, suite.query(load_ids), suite.checks(), suite.KEY) if load_ids else []
    record(url, night.run_id, GATE, suite.TABLE, outcomes)
    require_open(suite.TABLE, outcomes)
    bad = bad_rows(outcomes)
    refused = broken_files(loads, bad)
    refused_ids = {load.load_id for load in refused}
    accepted = [load for load in loads if load.load_id not in refused_ids]
    kept = [row for row in bad if row.load_id not in refused_ids]
    settle(url, night, accepted, refused, kept)
    count_rows = sum(load.count_rows for load in accepted)
    count_bad = len({(row.load_id, row.row_number) for row in kept})
    return Counts(sum(load.count_rows for load in loads), count_rows - count_bad, count_bad)


def bad_rows(outcomes: Sequence[Outcome]) -> list[BadRow]:
    """The rows that the outcomes of a gate point to."""
    return [
        BadRow(load_id, row_number, outcome.check.rule, outcome.check.reason)
        for outcome in outcomes
        for load_id, row_number in outcome.positions
    ]


def broken_files(loads: Sequence[Load], bad: Sequence[BadRow]) -> list[Load]:
    """The loads with more bad rows than a sound file has."""
    counts = Counter(load_id for load_id, _ in {(row.load_id, row.row_number) for row in bad})
    return [load for load in loads if counts[load.load_id] > max(MAX_BROKEN_ROWS, MAX_BROKEN_SHARE * load.count_rows)]


def _table(load: Load) -> tuple[str, str]:
    return f"raw_{load.source}", table_name(load.entity)
