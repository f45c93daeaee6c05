"""The raw gate's look at loads and sources as a whole; it warns, and stops nobody."""

from __future__ import annotations

from collections.abc import Sequence

from expectations.records_gate import look
from expectations.suites import loads as loads_suite
from expectations.suites import source_entities as freshness_suite
from kehu.warehouse.quarantine import Load
from kehu.warehouse.runs import Night


def check_loads(url: str, night: Night, loads: Sequence[Load]) -> None:
    """Look at the loads that this night brings to the gate.

    Raises
    ------
    GateError
        If a check cannot run.
    """
    if loads:
        ids = ", ".join(str(load.load_id) for load in loads)
        query = loads_suite.QUERY.format(load_ids=ids, as_of_date=night.as_of_date)
        look(url, night, loads_suite.TABLE, query, loads_suite.checks(), loads_suite.KEY)


def check_freshness(url: str, night: Night) -> None:
    """Look at each configured entity, after the night's loads are accepted.

    Raises
    ------
    GateError
        If a check cannot run.
    """
    query = freshness_suite.QUERY.format(run_id=night.run_id, as_of_date=night.as_of_date)
    look(url, night, freshness_suite.TABLE, query, freshness_suite.checks(), key=())
