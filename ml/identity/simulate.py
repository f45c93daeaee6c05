"""What other settings or decisions would change: the newest night's records linked once more, beside what is in force.

Nothing is written to the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from kehu.warehouse.tables import connect
from ml.identity.compare import Example, Outcome, RuleChange, Shape, examples, outcomes, rule_changes, shape
from ml.identity.decisions import Decision, sentence
from ml.identity.ids import assign, founding
from ml.identity.link import link
from ml.identity.settings import Kind, Settings
from ml.identity.stakes import Orders, SegmentMove, moved_orders, moved_segments
from ml.identity.state import State
from ml.identity.store import newest_model, read_decisions

NIGHT = """
    select as_of_date from identity.nights where kind = {kind} and holds_state
"""
ASSIGNMENTS = """
    select record_key, customer_id, born
    from identity.assignments
    inner join (
        select customer_id, min(valid_from) as born
        from identity.assignments where kind = {kind} group by customer_id
    ) as births using (customer_id)
    where kind = {kind} and valid_to is null
"""
SENIORITY = """
    select record_key, to_char(known_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as known_at
    from intermediate.int_identity_records where kind = {kind}
"""
LINKS = "select left_key, right_key, rule, match_probability, is_same_customer from identity.links where kind = {kind}"


class NothingToCompareError(RuntimeError):
    """No night has linked records of this kind yet."""


@dataclass(frozen=True)
class Simulation:
    """What would change.

    `moved` are the records that would belong to another customer id than they do; `idle` tells of decisions that do
    nothing, and why.
    """

    kind: Kind
    as_of_date: date
    is_trained_anew: bool
    before: Shape
    after: Shape
    moved: frozenset[str]
    outcomes: tuple[Outcome, ...]
    rules: tuple[RuleChange, ...]
    orders: Orders
    segments: tuple[SegmentMove, ...]
    examples: tuple[Example, ...]
    idle: tuple[str, ...] = ()


def simulate(url: str, settings: Settings, kind: Kind = "person", decisions_file: Path | None = None) -> Simulation:
    """Link the newest night's records under `settings` and compare with the customers in force.

    As in a night, a model that was trained under these very settings is used again, for others one is trained.
    `decisions_file` counts in place of the file that the night reads; decisions in the warehouse count in any case.

    Raises
    ------
    NothingToCompareError
        If there is no linked night to compare with.
    """
    with connect(url) as connection:
        state = State(connection, kind)
        nights = state.read(NIGHT)["as_of_date"].to_pylist()
        if not nights:
            raise NothingToCompareError(f"no night has linked records of kind {kind} yet: `make run` first")
        records, links = state.all_records(), state.read(LINKS).to_pandas()
        current, seniority = state.read(ASSIGNMENTS), state.read(SENIORITY)
    model = newest_model(url, kind, settings.fingerprint(kind), nights[0])
    told = [decision for decision in read_decisions(url, date.max, decisions_file) if decision.kind == kind]
    decisions = [decision for decision in told if decision.decided_on <= nights[0]]
    work = link(records, kind, settings, decisions, model)
    table = _side_by_side(kind, current, seniority, work.clusters)
    moving = table[table["before"] != table["after"]]
    moved = frozenset(moving["record_key"])
    new_links = work.links.to_pandas()
    return Simulation(
        kind,
        nights[0],
        model is None,
        shape(table["before"]),
        shape(table["after"]),
        moved,
        outcomes(table["before"], table["after"]),
        rule_changes(links, new_links),
        moved_orders(url, moved, kind),
        moved_segments(url, set(moving["before"]), kind),
        examples(table, links, new_links),
        tuple(_idle(told, nights[0], set(records["record_key"].to_pylist()))),
    )


def _idle(decisions: list[Decision], night: date, known: set[str]) -> Iterator[str]:
    for decision in decisions:
        what = sentence(decision.left_key, decision.right_key, decision.is_same)
        if decision.decided_on > night:
            yield f"{what}: holds from {decision.decided_on} on, the newest night is {night}"
        elif missing := [key for key in decision.pair if key not in known]:
            yield f"{what}: no record {' nor '.join(missing)}"


def _side_by_side(kind: Kind, current: pa.Table, seniority: pa.Table, clusters: pa.Table) -> pd.DataFrame:
    """record_key, before and after (customer ids), of the records that have a customer now and are still there."""
    before, cluster = _mapping(current, "customer_id"), _mapping(clusters, "cluster")
    rank = {key: founding(known_at, key) for key, known_at in _mapping(seniority, "known_at").items()}
    born = {row["customer_id"]: (row["born"], row["customer_id"]) for row in current.to_pylist()}
    after, _ = assign(kind, before, cluster, rank, born)
    both = sorted(before.keys() & after.keys())
    return pd.DataFrame(
        {"record_key": both, "before": [before[key] for key in both], "after": [after[key] for key in both]}
    )


def _mapping(table: pa.Table, column: str) -> dict[str, Any]:
    """Record key -> value of a column."""
    return dict(zip(table["record_key"].to_pylist(), table[column].to_pylist(), strict=True))
