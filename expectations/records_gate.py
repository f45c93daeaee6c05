"""The raw gate for records: what could not be read is quarantined, a file that is mostly unreadable is refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from expectations.gate import Check, Outcome, record, require_open, run_gate
from expectations.suites import consents, customers, payments, voices
from expectations.suites import records as suite
from kehu.warehouse.landing import table_name
from kehu.warehouse.quarantine import (
    BadRow,
    BadValue,
    Load,
    fresh_loads,
    settle,
    tables_with_faults,
    unread_rows,
)
from kehu.warehouse.runs import Counts, Night

GATE = "raw"
ORDER_LINES = ("shop", "order_lines")
# A file with more broken rows than this is broken itself.
MAX_BROKEN_SHARE = 0.1
MAX_BROKEN_ROWS = 10
RECORD_SUITES = (*payments.SUITES, *consents.SUITES, *customers.SUITES, *voices.SUITES)


def check_records(url: str, night: Night) -> Counts:
    """Accept what landed, quarantine unreadable records, refuse files that are mostly unreadable.

    Of some records a single field is quarantined. A refused file stops nobody: its entity stays at the state before,
    and the freshness report says so.

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
    outcomes = look(url, night, suite.TABLE, suite.query(load_ids), suite.checks()) if load_ids else []
    for one in RECORD_SUITES:
        if ids := load_ids.get((f"raw_{one.source}", table_name(one.entity))):
            outcomes += look(url, night, one.table, one.query(ids), one.checks_of(_rows(loads, ids)))
    bad = bad_rows(outcomes) + unread_rows(url, loads)
    refused = broken_files(loads, bad, {outcome.check.rule: outcome.check.max_share for outcome in outcomes})
    refused_ids = {load.load_id for load in refused}
    accepted = [load for load in loads if load.load_id not in refused_ids]
    kept = [row for row in bad if row.load_id not in refused_ids]
    values = [value for value in bad_values(outcomes) if value.load_id not in refused_ids]
    settle(url, night, accepted, refused, kept, values)
    count_rows = sum(load.count_rows for load in accepted)
    count_bad = len({(row.load_id, row.row_number) for row in kept})
    return Counts(sum(load.count_rows for load in loads), count_rows - count_bad, count_bad)


def bad_rows(outcomes: Sequence[Outcome]) -> list[BadRow]:
    """The rows that the outcomes of a gate point to."""
    return [
        BadRow(load_id, row_number, outcome.check.rule, outcome.check.reason)
        for outcome in outcomes
        if outcome.check.field is None
        for load_id, row_number in outcome.positions
    ]


def bad_values(outcomes: Sequence[Outcome]) -> list[BadValue]:
    """The fields that the outcomes of a gate point to, of records that stay."""
    return [
        BadValue(load_id, row_number, outcome.check.field, outcome.check.rule, outcome.check.reason)
        for outcome in outcomes
        if outcome.check.field is not None
        for load_id, row_number in outcome.positions
    ]


def broken_files(
    loads: Sequence[Load], bad: Sequence[BadRow], max_shares: Mapping[str, float] | None = None
) -> list[Load]:
    """The loads with more bad rows than a sound file has, in all or by a rule that allows a smaller share."""
    rows = {(row.load_id, row.row_number) for row in bad}
    counts = Counter(load_id for load_id, _ in rows)
    by_rule = Counter((row.load_id, row.rule) for row in bad)
    limits = {rule: share for rule, share in (max_shares or {}).items() if share < MAX_BROKEN_SHARE}

    def is_broken(load: Load) -> bool:
        found = [(counts[load.load_id], MAX_BROKEN_SHARE)]
        found += [(by_rule[load.load_id, rule], share) for rule, share in limits.items()]
        return any(count > max(MAX_BROKEN_ROWS, share * load.count_rows) for count, share in found)

    return [load for load in loads if is_broken(load)]


def look(
    url: str, night: Night, table: str, query: str, checks: Sequence[Check], key: Sequence[str] = suite.KEY
) -> list[Outcome]:
    """Check the rows of one table, told apart by `key`, keep the results, and stop if a check cannot run.

    Raises
    ------
    GateError
        If a check cannot run, or one that blocks fails.
    """
    outcomes = run_gate(url, query, checks, key) if checks else []
    record(url, night.run_id, GATE, table, outcomes)
    require_open(table, outcomes)
    return outcomes


def _rows(loads: Sequence[Load], load_ids: Sequence[int]) -> int:
    return sum(load.count_rows for load in loads if load.load_id in load_ids)


def _table(load: Load) -> tuple[str, str]:
    return f"raw_{load.source}", table_name(load.entity)
