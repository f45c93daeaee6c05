"""The raw gate's look at what records refer to: an invoice that is named must have come, or come one day.

A payment without its invoice is quarantined whole. What customers say is kept, and only the number that nobody knows is
set aside. When the invoice lands, both are let in.
"""

from __future__ import annotations

import psycopg

from expectations.gate import Outcome
from expectations.records_gate import ORDER_LINES, look
from expectations.suites import references as suite
from kehu.warehouse.landing import columns_of
from kehu.warehouse.quarantine import BadRow, BadValue, Load, put_aside, tables_with_faults, unrelated_loads
from kehu.warehouse.runs import Night


def check_references(url: str, night: Night) -> int:
    """Release what found its invoice, quarantine what names one that is not there; return the rows quarantined.

    Raises
    ------
    GateError
        If the check cannot run; the loads at hand are looked at again then.
    """
    tables = tables_with_faults(url)
    references = [one for one in suite.REFERENCES if one.table in tables]
    with psycopg.connect(url) as connection:
        if not columns_of(connection, "raw_shop", ORDER_LINES[1]):
            return 0
        waits = connection.execute(suite.WAITS).fetchone()
        for one in references if waits and waits[0] else ():
            connection.execute(one.release())
    loads = unrelated_loads(url, night)
    fields = {load.load_id: one for load in loads for one in references if _is_of(load, one)}
    told = [one.told(ids) for one in references if (ids := [load for load, of in fields.items() if of == one])]
    outcomes = look(url, night, suite.TABLE, suite.query(told), suite.checks()) if told else []
    rows, values = _bad(outcomes, fields)
    with psycopg.connect(url) as connection:
        put_aside(connection, night, rows, values)
        ids = [load.load_id for load in loads]
        connection.execute("update ops.loads set is_related = true where load_id = any(%s)", [ids])
    return len(rows)


def _is_of(load: Load, reference: suite.Reference) -> bool:
    return (load.source, load.entity) == (reference.source, reference.entity)


def _bad(outcomes: list[Outcome], fields: dict[int, suite.Reference]) -> tuple[list[BadRow], list[BadValue]]:
    rows, values = [], []
    for outcome in outcomes:
        rule, reason = outcome.check.rule, outcome.check.reason
        for load_id, row_number in outcome.positions:
            if rule == suite.ROW_RULE:
                rows.append(BadRow(load_id, row_number, rule, reason))
            else:
                values.append(BadValue(load_id, row_number, fields[load_id].field, rule, reason))
    return rows, values
