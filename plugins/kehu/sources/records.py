"""Bring one entity of keyed records up to date: read what changed, merge it, hold the counts against the source.

Rows, tombstones, counts and the state to go on from are one transaction: a reading that breaks off leaves nothing,
and the next one begins where the last whole one ended.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

import psycopg

from kehu.privacy.suppression import Suppression
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
    with psycopg.connect(url) as connection:
        lock_entity(connection, source, entity)
        before = _newest(connection, source, entity)
        if before and before.as_of_date > night.as_of_date:
            log.info("%s: %s was read for %s already", source, entity, before.as_of_date)
            return Counts(0, 0)
        (load_id,) = next_load_ids(connection, 1)
        suppression = Suppression(connection, source, table_name(entity), is_record=True)
        is_erased = suppression.is_erased if suppression else None
        merge = Merge(connection, f"raw_{source}", table_name(entity), load_id, is_erased)
        load = _Load(source, entity, reader, merge, policy or Policy(), suppression.count_own)
        try:
            entry = load.run(before, night, load_id)
        except (
            psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded, UnicodeError,
        ) as error:  # fmt: skip
            # The server's message quotes the value.
            why = getattr(error, "sqlstate", None) or type(error).__name__
            raise SourceError(source, entity, f"a record that PostgreSQL cannot store ({why})") from None
        write_ledger(connection, [entry])
    return Counts(merge.count_read, merge.count_landed)


class _Load:
    """One reading of one entity."""

    def __init__(
        self, source: str, entity: str, reader: RecordReader, merge: Merge, policy: Policy, count_erased: int = 0
    ) -> None:
        self.source, self.entity, self.reader, self.merge, self.policy = source, entity, reader, merge, policy
        self.count_erased = count_erased

    def run(self, before: Before | None, night: Night, load_id: int) -> Entry:
        """Read, merge and reconcile; return the ledger entry."""
        state = before.state if before else None
        outcome = self._take(self.reader.read(self.entity, state["reader"] if state else None))
        count_source = self.reader.count(self.entity)
        reconciled_on = state[RECONCILED] if state else night.as_of_date.isoformat()
        is_listed = self._list_if_due(outcome, reconciled_on, night)
        merged = self.merge.land()
        live = (before.count_live if before else 0) + merged.born - merged.died
        if is_listed or not self._agrees(count_source, live):
            live = self._reconcile(is_listed)
            reconciled_on = night.as_of_date.isoformat()
        if not self._agrees(count_source, live):
            log.warning("%s: %s: %s records there, %s here", self.source, self.entity, count_source, live)
        return Entry(
            load_id,
            night.run_id,
            self.source,
            self.entity,
            night.as_of_date,
            self.merge.count_landed,
            state={"reader": outcome.state, RECONCILED: reconciled_on},
            count_read=self.merge.count_read + self.merge.count_suppressed,
            count_live=live,
            count_source=count_source,
            count_suppressed=self.merge.count_suppressed,
        )

    def _agrees(self, count_source: int | None, live: int) -> bool:
        """Whether the source's count is ours; records that were erased here may go on living there."""
        return count_source is None or live <= count_source <= live + self.count_erased

    def _list_if_due(self, outcome: Outcome, reconciled_on: str, night: Night) -> bool:
        """Collect what lives in the source if this reading told it or it is time to ask; return whether it was done."""
        days = (night.as_of_date - date.fromisoformat(reconciled_on)).days
        if outcome.is_complete:
            self.merge.remember_seen()
        elif days >= self.policy.reconcile_days:
            self._list()
        return outcome.is_complete or days >= self.policy.reconcile_days

    def _list(self) -> None:
        """Ask for the ids of all that lives in the source."""
        for keys in self.reader.keys(self.entity):
            self.merge.remember_keys(keys)

    def _reconcile(self, is_listed: bool) -> int:
        """Fetch what lives only in the source, bury what lives only here; return how many records live."""
        if not is_listed:
            self._list()
        living, unknown, count_gone = self.merge.differences()
        if count_gone > max(self.policy.max_gone, self.policy.max_gone_share * living):
            reason = f"{count_gone} of {living} records are missing from the source's list of ids: refused as broken"
            raise SourceError(self.source, self.entity, reason)
        died = self.merge.bury_gone().died if count_gone else 0
        born = 0
        for start in range(0, len(unknown), FETCH_SIZE):
            self.merge.forget_incoming()
            for page in self.reader.fetch(self.entity, unknown[start : start + FETCH_SIZE]):
                self._add(page)
            merged = self.merge.land(is_present=True)
            born, died = born + merged.born, died + merged.died
        return living + born - died

    def _take(self, pages: Generator[Page, None, Outcome]) -> Outcome:
        """Exhaust a reading into the merge; return what it ends with."""
        outcome: list[Outcome] = []

        def forward() -> Generator[Page, None, None]:
            outcome.append((yield from pages))

        for page in forward():
            self._add(page)
        return outcome[0]

    def _add(self, page: Page) -> None:
        self.merge.add([(one.record_id, one.record, _text(one.changed_at), one.is_deleted) for one in page])


def _text(moment: datetime | None) -> str | None:
    """The moment in ISO 8601; without a zone it is taken as UTC, not as the server's time."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).isoformat()


def _newest(connection: psycopg.Connection, source: str, entity: str) -> Before | None:
    query = """
        select as_of_date, state, coalesce(count_live, 0) from ops.loads
        where source = %s and entity = %s and state is not null order by load_id desc limit 1
    """
    row = connection.execute(query, [source, entity]).fetchone()
    return Before(*row) if row else None
