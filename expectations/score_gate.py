"""The last gate: the night's scores, attached to the store and not yet shown."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from expectations.gate import record, require_open, run_gate
from expectations.suites import customer_scores as suite
from kehu.warehouse.runs import Counts, Night

GATE = "scores"


def check_scores(url: str, night: Night, segments: Sequence[str]) -> Counts:
    """Check the attached scores of the night; `segments` are the names the segment model may use.

    Raises
    ------
    GateError
        If a blocking check fails or cannot run; the night is not published then.
    """
    with psycopg.connect(url) as connection:
        expected_rows = _number(connection, suite.EXPECTED_ROWS)
        with_value = _number(connection, _METHODS.format(column="value_method", run_id=night.run_id))
        with_churn = _number(connection, _METHODS.format(column="churn_method", run_id=night.run_id))
    checks = suite.checks(segments, expected_rows, with_value > 0, with_churn > 0)
    outcomes = run_gate(url, suite.QUERY.format(run_id=night.run_id), checks)
    record(url, night.run_id, GATE, suite.TABLE, outcomes)
    require_open(suite.TABLE, outcomes)
    return Counts(expected_rows, expected_rows, 0)


_METHODS = "select count(*) from store.fct_customer_scores where run_id = {run_id} and {column} <> 'none'"


def _number(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()  # type: ignore[arg-type, unused-ignore]
    assert row is not None
    return int(row[0])
