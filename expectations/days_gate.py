"""The raw gate's second look: days of the shop's lines beside the nights before them."""

from __future__ import annotations

from collections.abc import Sequence

from expectations.drift import Drift, compare, price_move
from expectations.gate import GateError, Outcome, record, run_gate
from expectations.profiles import days_to_judge
from expectations.records_gate import GATE
from expectations.suites import shop_order_lines_days as suite
from kehu.warehouse.quarantine import Load
from kehu.warehouse.runs import Night

COLUMNS = ("load_id", "volume", "price_move", "hours", "nameless_block", "nameless_warn", "countries")


def check_days(url: str, night: Night, loads: Sequence[Load]) -> None:
    """Compare the newest days among `loads` with the same weekdays before them.

    Raises
    ------
    GateError
        If a day is so unlike them that the file cannot be trusted; `ops.waivers` lets one through that is right.
    """
    days = days_to_judge(url, night, loads)
    if not days:
        return
    rows = [(day.load_id, *figures(compare(day.day, day.profile, day.history), day.price_moves)) for day in days]
    outcomes = run_gate(url, _query(rows), suite.checks(), suite.KEY)
    record(url, night.run_id, GATE, suite.TABLE, outcomes)
    for outcome in outcomes:
        if not outcome.is_passed and outcome.severity == "block":
            raise GateError(_why(outcome, rows, loads))


def figures(drift: Drift, price_moves: Sequence[float]) -> tuple[float, ...]:
    """The columns of the suite after the load's id: both sizes of a pair count, so the smaller decides."""
    move, errors = price_move(price_moves) if len(price_moves) >= suite.MIN_PRODUCTS else (0.0, 0.0)
    return (
        min(abs(drift.volume) / suite.MAX_VOLUME, abs(drift.volume_spreads) / suite.MAX_VOLUME_SPREADS),
        min(abs(move) / suite.MAX_PRICE_MOVE, abs(errors) / suite.MAX_PRICE_ERRORS),
        drift.hours,
        max(0.0, min(drift.nameless / suite.MAX_NAMELESS, drift.nameless_spreads / suite.MAX_NAMELESS_SPREADS)),
        max(0.0, min(drift.nameless / suite.WARN_NAMELESS, drift.nameless_spreads / suite.WARN_NAMELESS_SPREADS)),
        drift.countries,
    )


def _query(rows: Sequence[tuple[float, ...]]) -> str:
    values = ", ".join("(" + ", ".join(f"{value!r}::float8" for value in row) + ")" for row in rows)
    return f"select * from (values {values}) as days ({', '.join(COLUMNS)})"


def _why(outcome: Outcome, rows: Sequence[tuple[float, ...]], loads: Sequence[Load]) -> str:
    check = outcome.check
    if outcome.error:
        return f"{suite.TABLE}: {check.rule}: {outcome.error}"
    names = {load.load_id: load.file_name for load in loads}
    place, limit = COLUMNS.index(check.expectation.column), check.expectation.max_value
    odd = [int(row[0]) for row in rows if abs(row[place]) > limit]
    return (
        f"shop: {', '.join(f'{names[load_id]} (load {load_id})' for load_id in odd)}: {check.reason}."
        f" If it is right all the same: make waive LOAD={odd[0]} REASON=..."
    )
