"""The last gate: the night's scores, attached to the store and not yet shown."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from expectations.gate import GateError, record, require_open, run_gate
from expectations.suites import customer_scores as suite
from expectations.suites import customer_scores_drift as drift
from kehu.warehouse.quarantine import is_waived
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
    _check_drift(url, night)
    return Counts(expected_rows, expected_rows, 0)


def _check_drift(url: str, night: Night) -> None:
    """Hold the scores beside those that readers see; a person may have found right that they differ."""
    query = drift.QUERY.format(
        run_id=night.run_id, as_of_date=night.as_of_date, max_days=drift.MAX_DAYS, min_customers=drift.MIN_CUSTOMERS
    )
    outcomes = run_gate(url, query, drift.checks())
    record(url, night.run_id, GATE, drift.TABLE, outcomes)
    closed = [outcome for outcome in outcomes if not outcome.is_passed and outcome.severity == "block"]
    if not is_waived(url, night) or any(outcome.error for outcome in closed):
        try:
            require_open(drift.TABLE, outcomes)
        except GateError as error:
            raise GateError(f"{error}. If it is right: make waive NIGHT={night.as_of_date} REASON=...") from None


_METHODS = "select count(*) from store.fct_customer_scores where run_id = {run_id} and {column} <> 'none'"


def _number(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()  # type: ignore[arg-type, unused-ignore]
    assert row is not None
    return int(row[0])
