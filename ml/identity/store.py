"""Reading what the linkage needs to know, and writing what it found out, in one transaction."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from csv import DictReader
from datetime import date
from pathlib import Path
from typing import get_args

import pyarrow as pa

from kehu.warehouse.tables import connect
from ml.identity.decisions import Decision
from ml.identity.link import CROWDED, Finding, Work
from ml.identity.model import Model
from ml.identity.settings import Kind
from ml.identity.state import State, model_of

DECISION_COLUMNS = ("left_key", "right_key", "is_same", "decided_on")
MODELS = """
    select model_version, cast(parameters as text) as parameters, cast(commonness as text) as commonness
    from identity.models where kind = {kind} and settings_hash = '%s'
    order by trained_on <= date '%s' desc, abs(trained_on - date '%s'), count_records desc limit 1
"""

WRITE = """
    insert into identity.records (kind, record_key, content_hash, keys, blocks, family, component)
    select {kind}, record_key, current.content_hash, new.keys, new.blocks, new.family, new.component
    from pg_temp.new_records as new inner join intermediate.int_identity_records as current using (record_key)
    where current.kind = {kind}
"""
# Each row costs an entry in an index for each of its blocks: what looks as before is left alone.
NOT_KEPT = "not exists (select from identity.records as r where r.kind = {kind} and r.record_key = new.record_key)"


class DecisionError(ValueError):
    """A decision cannot be read; the message names the file and the row."""


def read_decisions(url: str, as_of: date, file: Path | None = None) -> list[Decision]:
    """The decisions in force on a day, from `identity.decisions` and a CSV file.

    Raises
    ------
    DecisionError
        If a row of the file lacks a value or has one that is none.
    """
    with connect(url) as connection:
        rows = State(connection, "person").read(
            "select left_key, right_key, is_same, decided_on, kind from identity.decisions order by left_key, right_key"
        )
    decisions = [
        Decision(row["decided_on"], row["left_key"], row["right_key"], row["is_same"], row["kind"])
        for row in rows.to_pylist()
    ]
    if file is not None and file.exists():
        decisions += _read_file(file)
    return [decision for decision in decisions if decision.decided_on <= as_of]


def _read_file(file: Path) -> list[Decision]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = DictReader(lines, strict=True)
            missing = set(DECISION_COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise DecisionError(f"{file.name}: the header lacks {', '.join(sorted(missing))}")
            return [_decision(file, reader.line_num, row) for row in reader]
    except UnicodeDecodeError:
        raise DecisionError(f"{file.name}: the file is not in UTF-8") from None
    except csv.Error as error:
        raise DecisionError(f"{file.name}: {error}") from None


def _decision(file: Path, line: int, row: dict[str, str | None]) -> Decision:
    left, right, same, day = ((row.get(name) or "").strip() for name in DECISION_COLUMNS)
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if not left or not right or left == right:
        raise DecisionError(f"{file.name}, line {line}: left_key and right_key must name two records")
    if same.lower() not in words:
        raise DecisionError(f"{file.name}, line {line}: is_same must be true or false")
    kind = (row.get("kind") or "person").strip()
    if kind not in get_args(Kind):
        raise DecisionError(f"{file.name}, line {line}: kind must be person or company")
    try:
        return Decision(date.fromisoformat(day), left, right, words[same.lower()], kind)
    except ValueError:
        raise DecisionError(f"{file.name}, line {line}: decided_on must be a date such as 2026-01-31") from None


def newest_model(url: str, kind: Kind, fingerprint: str, as_of: date) -> Model | None:
    """The model that linked a night's records: the newest trained by then under these settings, else the oldest."""
    with connect(url) as connection:
        found = find_model(State(connection, kind), fingerprint, as_of)
    return found[1] if found else None


def find_model(state: State, fingerprint: str, as_of: date) -> tuple[str, Model] | None:
    """Version and model for these settings on a day."""
    rows = state.read(MODELS % (fingerprint, as_of, as_of)).to_pylist()
    return (rows[0]["model_version"], model_of(rows[0])) if rows else None


def save_work(state: State, work: Work, is_full: bool) -> None:
    """Replace the graph by what was found: all of it, or what the work tells of."""
    state.put("new_records", work.records.select(["record_key", "keys", "blocks", "family", "component"]))
    if is_full:
        for name in ("records", "links", "findings"):
            state.run(f"delete from identity.{name} where kind = {{kind}}")
    else:
        _forget(state, work)
    state.run(WRITE if is_full else f"{WRITE} and {NOT_KEPT}")
    state.write("links", work.links)
    state.run("delete from identity.crowded where kind = {kind}")
    state.write("crowded", work.crowded)
    _write_findings(state, work.findings)
    # The marts join them next; of a night's changes the server learns as of those to any table.
    for name in ("records", "links") if is_full and work.records.num_rows else ():
        state.run(f"analyze identity.{name}")


def _forget(state: State, work: Work) -> None:
    state.put_keys("stale", work.stale | work.gone)
    for statement in (
        "delete from identity.links using pg_temp.stale where kind = {kind} and left_key = record_key",
        "delete from identity.links using pg_temp.stale where kind = {kind} and right_key = record_key",
        """
        delete from identity.links using pg_temp.new_records as l, pg_temp.new_records as r
        where kind = {kind} and left_key = l.record_key and right_key = r.record_key
        """,
        """
        delete from identity.records using pg_temp.stale
        where
            kind = {kind} and records.record_key = stale.record_key
            and not exists (select from pg_temp.new_records as new where new.record_key = stale.record_key)
        """,
        """
        delete from identity.records
        using pg_temp.new_records as new inner join intermediate.int_identity_records as current using (record_key)
        where
            records.kind = {kind} and current.kind = {kind} and records.record_key = new.record_key
            and (records.content_hash, records.keys, records.blocks, records.family, records.component)
            is distinct from (current.content_hash, new.keys, new.blocks, new.family, new.component)
        """,
        """
        delete from identity.findings
        where kind = {kind} and (
            finding <> 'suspicious cluster'
            or subject in (select record_key from pg_temp.new_records)
            or subject in (select record_key from pg_temp.stale)
        )
        """,
    ):
        state.run(statement)


def _write_findings(state: State, findings: Iterable[Finding]) -> None:
    """Shared values are told from `identity.crowded`, where last night's that still hold are known too."""
    state.run(
        f"""
        insert into identity.findings (kind, finding, subject, count_records, reason)
        select {{kind}}, 'shared value', name || ' ' || to_hex(block), count_records, '{CROWDED}'
        from identity.crowded where kind = {{kind}} and name not like 'block %'
        """
    )
    rows = [row for row in findings if row.finding != "shared value"]
    columns = {name: [getattr(row, name) for row in rows] for name in ("finding", "subject", "count_records", "reason")}
    types = {"finding": pa.string(), "subject": pa.string(), "count_records": pa.int64(), "reason": pa.string()}
    state.write("findings", pa.table({name: pa.array(values, types[name]) for name, values in columns.items()}))


def save_night(state: State, night: dict[str, object], counts: dict[str, object]) -> None:
    """Note a night: its day, run, model, settings and counts; it holds the state from now on."""
    state.run("update identity.nights set holds_state = false where kind = {kind}")
    state.run(f"delete from identity.nights where kind = {{kind}} and as_of_date = date '{night['as_of_date']}'")
    state.put(
        "new_night", pa.table({**{k: [v] for k, v in night.items()}, "counts": [json.dumps(counts, sort_keys=True)]})
    )
    state.run(
        """
        insert into identity.nights
            (as_of_date, kind, model_version, settings_hash, run_id, is_full, holds_state, counts)
        select as_of_date, {kind}, model_version, settings_hash, run_id, is_full, true, cast(counts as jsonb)
        from pg_temp.new_night
        """
    )
