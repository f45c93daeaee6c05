"""The nightly identity job: link the records of people and of companies, keep their ids, tell what happened."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pyarrow.compute as pc

from kehu.warehouse.runs import Counts, Night
from kehu.warehouse.tables import connect
from ml.identity.decisions import Decision, Judged, judge, sentence
from ml.identity.history import known_on, write_events, write_night
from ml.identity.ids import assign, founding
from ml.identity.link import Finding, Work, link
from ml.identity.model import Model
from ml.identity.relink import Relink
from ml.identity.settings import Kind, Settings, load
from ml.identity.state import State, save_model
from ml.identity.store import find_model, read_decisions, save_night, save_work

log = logging.getLogger(__name__)
GROWTH = 2.0  # a model is trained anew once the records have grown by this factor


@dataclass(frozen=True)
class Plan:
    """How a night is linked: from which night's graph on (None: all anew), and between which nights it lies."""

    before: date | None
    after: date | None
    is_again: bool
    goes_on: bool


def identify(
    url: str, night: Night, settings: Settings | None = None, decisions_file: Path | None = None, is_full: bool = False
) -> Counts:
    """Work out tonight's customers from `intermediate.int_identity_records`.

    `is_full` links everything anew; the rows written are the same either way.
    """
    settings = settings or load()
    decisions = read_decisions(url, night.as_of_date, decisions_file)
    total = 0
    for kind in get_args(Kind):
        with connect(url) as connection:
            state = State(connection, kind)
            counts = _identify(state, night, settings, decisions, is_full)
        log.info("%s: %s", kind, ", ".join(f"{name} {count}" for name, count in counts.items()))
        total += counts["records"]
    return Counts(total, total)


def _identify(
    state: State, night: Night, settings: Settings, decisions: list[Decision], is_full: bool
) -> dict[str, int]:
    kind, day = state.kind, night.as_of_date
    fingerprint = settings.fingerprint(kind)
    decisions = [decision for decision in decisions if decision.kind == kind]
    judged = judge(decisions)
    plan = _plan(state, day, fingerprint)
    found = find_model(state, fingerprint, day)
    size = int(
        state.read("select count(*) as n from intermediate.int_identity_records where kind = {kind}")["n"][0].as_py()
    )
    if found and size > GROWTH * int(_trained_on(state, found[0])):
        found = None
    if found and plan.goes_on and not is_full:
        changed, gone = _changes(state, judged)
        work = Relink(state, settings, settings.of(kind), judged, found[1], changed, gone).work()
        work.counts["records"] = size
        work.findings += _of_decisions(state, judged)
        return _save(state, night, settings, plan, found, work, is_full=False)
    work = link(state.all_records(), kind, settings, decisions, found[1] if found else None, for_state=True)
    version = found[0] if found else f"{kind}-{day}-{fingerprint}-{size}"
    if not found and work.model is not None:
        save_model(state, work.model, version, fingerprint, size, day)
    work.findings += _of_decisions(state, judged)
    return _save(state, night, settings, plan, (version, work.model), work, is_full=True)


def _plan(state: State, day: date, fingerprint: str) -> Plan:
    rows = state.read(
        "select as_of_date, settings_hash, holds_state from identity.nights where kind = {kind} order by as_of_date"
    ).to_pylist()
    before = max((row["as_of_date"] for row in rows if row["as_of_date"] < day), default=None)
    after = min((row["as_of_date"] for row in rows if row["as_of_date"] > day), default=None)
    is_again = any(row["as_of_date"] == day for row in rows)
    goes_on = (
        after is None
        and not is_again
        and any(
            row["holds_state"] and row["as_of_date"] == before and row["settings_hash"] == fingerprint for row in rows
        )
    )
    return Plan(before, after, is_again, goes_on)


def _trained_on(state: State, version: str) -> int:
    rows = state.read(f"select count_records from identity.models where model_version = '{version}'")
    return int(rows["count_records"][0].as_py())


def _changes(state: State, judged: Judged) -> tuple[set[str], set[str]]:
    """The records that are new or say something else than last night, or whose decisions changed; and those gone."""
    rows = state.read(DIFFERING)
    is_gone = rows["is_gone"]
    changed, gone = (set(rows.filter(which)["record_key"].to_pylist()) for which in (pc.invert(is_gone), is_gone))
    state.put("decided", judged.table())
    return changed | (state.keys(REDECIDED) - gone), gone


def _of_decisions(state: State, judged: Judged) -> list[Finding]:
    """One finding per decision that newer ones contradict, and per decision in force that does nothing."""
    told = [(*pair, True) for pair in judged.same] + [(*pair, False) for pair in judged.apart]
    set_aside = sorted({(d.left_key, d.right_key, d.is_same) for d in judged.contradicted})
    named = {key for *pair, _ in [*told, *set_aside] for key in pair}
    state.put_keys("told", named)
    known = state.keys(
        "select record_key from pg_temp.told inner join intermediate.int_identity_records using (record_key)"
        " where kind = {kind}"
    )
    # What is no record's key may be anything, a mail address or a key that was erased: a number tells it apart.
    shown = {key: key for key in known} | {key: f"absent {n}" for n, key in enumerate(sorted(named - known), 1)}
    found = [Finding("decision", sentence(shown[a], shown[b], same), 2, CONTRADICTED) for a, b, same in set_aside]
    return found + [
        Finding("decision", sentence(shown[left], shown[right], is_same), (left in known) + (right in known), IDLE)
        for left, right, is_same in told
        if not known.issuperset((left, right))
    ]


CONTRADICTED = "newer decisions contradict it: set aside"
IDLE = "a record that it names is not there: it does nothing"
DIFFERING = """
    select
        coalesce(current.record_key, last.record_key) as record_key,
        current.record_key is null as is_gone
    from (select record_key, content_hash from intermediate.int_identity_records where kind = {kind}) as current
    full join (select record_key, content_hash from identity.records where kind = {kind}) as last
        on current.record_key = last.record_key
    where current.content_hash is distinct from last.content_hash
"""
REDECIDED = """
    with tonight as (
        select left_key, right_key, is_same
        from pg_temp.decided
        inner join intermediate.int_identity_records as l on left_key = l.record_key and l.kind = {kind}
        inner join intermediate.int_identity_records as r on right_key = r.record_key and r.kind = {kind}
    ),
    before as (
        select left_key, right_key, match_weight > 0 as is_same
        from identity.links where kind = {kind} and rule = 'decision'
    ),
    differing as (
        (select * from tonight except select * from before)
        union all
        (select * from before except select * from tonight)
    )
    select left_key from differing union select right_key from differing
"""


def _save(
    state: State,
    night: Night,
    settings: Settings,
    plan: Plan,
    model: tuple[str, Model | None],
    work: Work,
    is_full: bool,
) -> dict[str, int]:
    """Write the graph, tonight's ids and what happened to them; return the night's counts."""
    save_work(state, work, is_full)
    events = _keep_ids(state, night.as_of_date, plan, work, is_full)
    counts = work.counts | {"events": events}
    linkage = settings.of(state.kind)
    thresholds = {"link_probability": linkage.link_probability, "review_probability": settings.review_probability}
    row = {
        "as_of_date": night.as_of_date, "model_version": model[0], "run_id": night.run_id,
        "settings_hash": settings.fingerprint(state.kind), "is_full": is_full,
    }  # fmt: skip
    save_night(state, row, {**counts, **thresholds})
    return counts


def _keep_ids(state: State, day: date, plan: Plan, work: Work, is_full: bool) -> int:
    """Give the records their customer ids; return how many things happened to customers."""
    clusters = dict(zip(work.clusters["record_key"].to_pylist(), work.clusters["cluster"].to_pylist(), strict=True))
    if is_full:
        previous = known_on(state, plan.before)
        covered = known_on(state, day)
    else:
        state.put_keys("scope", set(clusters) | work.gone)
        previous = covered = known_on(state, plan.before, "scope")
    state.put_keys("named", clusters)
    seniority = _seniority(state)
    born = _born(state, set(previous.values()), day)
    taken = set() if is_full else _living_elsewhere(state)
    assigned, events = assign(state.kind, previous, clusters, seniority, born, taken.__contains__)
    unnamed = {record: None for record in covered if record not in assigned}
    write_night(state, day, plan.after, {**assigned, **unnamed})
    write_events(state, day, events, replace=plan.is_again)
    if is_full:
        state.run("analyze identity.assignments")
    return len(events)


def _seniority(state: State) -> dict[str, tuple[str, str]]:
    rows = state.read(
        """
        select record_key, to_char(known_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as known_at
        from intermediate.int_identity_records inner join pg_temp.named using (record_key) where kind = {kind}
        """
    )
    pairs = zip(rows["record_key"].to_pylist(), rows["known_at"].to_pylist(), strict=True)
    return {record: founding(known_at, record) for record, known_at in pairs}


def _born(state: State, ids: set[str], day: date) -> dict[str, tuple[date, str]]:
    """When each id was first given, before this night; ids of one night by their text."""
    state.put("asked", pa.table({"customer_id": pa.array(sorted(ids), pa.string())}))
    rows = state.read(
        f"""
        select customer_id, min(valid_from) as born
        from identity.assignments inner join pg_temp.asked using (customer_id)
        where kind = {{kind}} and valid_from < date '{day}'
        group by 1
        """
    )
    return {row["customer_id"]: (row["born"], row["customer_id"]) for row in rows.to_pylist()}


def _living_elsewhere(state: State) -> set[str]:
    """Ids that the scope's records might found, and that live on outside of it."""
    return state.keys(
        """
        select assignments.customer_id
        from identity.assignments
        where
            kind = {kind}
            and valid_to is null
            and customer_id in (
                select past.customer_id from identity.assignments as past
                inner join pg_temp.scope using (record_key) where past.kind = {kind}
            )
            and not exists (select from pg_temp.scope where scope.record_key = assignments.record_key)
        """
    )
