"""Bring one entity of keyed records up to date: read what changed, merge it, hold the counts against the source.

Rows, tombstones, counts and the state to go on from are one transaction: a reading that breaks off leaves nothing,
and the next one begins where the last whole one ended.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from kehu.sources.contract import Outcome, Page, RecordReader, SourceError
from kehu.warehouse.landing import Entry, lock_entity, next_load_ids, table_name, write_ledger
from kehu.warehouse.records import Merge
from kehu.warehouse.runs import Counts, Night

log = logging.getLogger(__name__)
RECONCILED = "reconciled_on"
FETCH_SIZE = 100


@dataclass(frozen=True)
class Policy:
    """How far a source's word is trusted."""

    reconcile_days: int = 7  # every so many days the full list of ids is compared, also where the counts agree
    max_gone_share: float = 0.5  # a list that lacks more of what lives here is taken for broken
    max_gone: int = 50  # but never fewer than this


@dataclass(frozen=True)
class Before:
    """The ledger's newest entry of an entity."""

    as_of_date: date
    state: dict[str, Any]
    count_live: int


def ingest_records(
    url: str, source: str, entity: str, reader: RecordReader, night: Night, policy: Policy | None = None
) -> Counts:
    """Land what changed in one entity since its last load; return rows read and rows landed.

    A night before the newest load's finds nothing to do: its rows were read when it was the present.

    Raises
    ------
    SourceError
        If the source's answer cannot be trusted; nothing of this reading is kept.
    """
    policy = policy or Policy()
    with psycopg.connect(url) as connection:
        lock_entity(connection, source, entity)
        before = _newest(connection, source, entity)
        if before and before.as_of_date > night.as_of_date:
            log.info("%s: %s was read for %s already", source, entity, before.as_of_date)
            return Counts(0, 0)
        (load_id,) = next_load_ids(connection, 1)
        merge = Merge(connection, f"raw_{source}", table_name(entity), load_id)
        load = _Load(source, entity, reader, merge, policy)
        entry = load.run(before, night, load_id)
        write_ledger(connection, [entry])
    return Counts(merge.count_read, merge.count_landed)


class _Load:
    """One reading of one entity."""

    def __init__(self, source: str, entity: str, reader: RecordReader, merge: Merge, policy: Policy) -> None:
        self.source, self.entity, self.reader, self.merge, self.policy = source, entity, reader, merge, policy

    def run(self, before: Before | None, night: Night, load_id: int) -> Entry:
        """Read, merge and reconcile; return the ledger entry."""
        state = before.state if before else None
        outcome = self._take(self.reader.read(self.entity, state["reader"] if state else None))
        merged = self.merge.land()
        live = (before.count_live if before else 0) + merged.born - merged.died
        count_source = self.reader.count(self.entity)
        reconciled_on = state[RECONCILED] if state else night.as_of_date.isoformat()
        if outcome.is_complete:
            self.merge.remember_seen()
            live = self._reconcile()
        elif self._is_due(reconciled_on, night) or (count_source is not None and count_source != live):
            for keys in self.reader.keys(self.entity):
                self.merge.remember_keys(keys)
            live = self._reconcile()
            reconciled_on = night.as_of_date.isoformat()
        if count_source is not None and count_source != live:
            log.warning("%s: %s: %s records there, %s here", self.source, self.entity, count_source, live)
        return Entry(
            load_id,
            night.run_id,
            self.source,
            self.entity,
            night.as_of_date,
            self.merge.count_landed,
            state={"reader": outcome.state, RECONCILED: reconciled_on},
            count_read=self.merge.count_read,
            count_live=live,
            count_source=count_source,
        )

    def _is_due(self, reconciled_on: str, night: Night) -> bool:
        return (night.as_of_date - date.fromisoformat(reconciled_on)).days >= self.policy.reconcile_days

    def _reconcile(self) -> int:
        """Fetch what lives only in the source, bury what lives only here; return how many records live."""
        living, unknown, count_gone = self.merge.differences()
        if count_gone > max(self.policy.max_gone, self.policy.max_gone_share * living):
            reason = f"{count_gone} of {living} records are missing from the source's list of ids: refused as broken"
            raise SourceError(self.source, self.entity, reason)
        died = self.merge.bury_gone().died if count_gone else 0
        born = 0
        for start in range(0, len(unknown), FETCH_SIZE):
            self.merge.forget_incoming()
            self._add(self.reader.fetch(self.entity, unknown[start : start + FETCH_SIZE]))
            merged = self.merge.land(is_present=True)
            born, died = born + merged.born, died + merged.died
        return living + born - died

    def _take(self, pages: Generator[Page, None, Outcome]) -> Outcome:
        """Exhaust a reading into the merge; return what it ends with."""
        outcome: list[Outcome] = []

        def forward() -> Generator[Page, None, None]:
            outcome.append((yield from pages))

        self._add(forward())
        return outcome[0]

    def _add(self, pages: Iterable[Page]) -> None:
        for page in pages:
            self.merge.add(
                [
                    (one.record_id, one.record, one.changed_at.isoformat() if one.changed_at else None, one.is_deleted)
                    for one in page
                ]
            )


def _newest(connection: psycopg.Connection, source: str, entity: str) -> Before | None:
    query = """
        select as_of_date, state, coalesce(count_live, 0) from ops.loads
        where source = %s and entity = %s and state is not null order by load_id desc limit 1
    """
    row = connection.execute(query, [source, entity]).fetchone()
    return Before(*row) if row else None
