"""Read Fxiaoke (纷享销客): the tenant's own fields, what changed, and what was invalidated or deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import timedelta
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from kehu.sources.contract import Credentials, Outcome, Page, State, Version
from kehu.sources.fxiaoke_api import CallBudget, FxiaokeApi
from kehu.sources.fxiaoke_query import CHANGED, ID, NEWEST_FIRST, Query, Row, where
from kehu.sources.fxiaoke_token import Style, style_of
from kehu.sources.http import Patience
from kehu.sources.paging import in_groups
from kehu.sources.values import instant, instant_of_milliseconds, json_text, milliseconds
from kehu.warehouse.tokens import Tokens

OBJECTS = (
    "LeadsObj",
    "AccountObj",
    "ContactObj",
    "NewOpportunityObj",
    "SalesOrderObj",
    "SalesOrderProductObj",
    "ProductObj",
    "CasesObj",
    "ActiveRecordObj",
    "ServiceRecordObj",
    "MemberObj",
    "CreditFileObj",
    "PersonnelObj",
)
SYSTEM_FIELDS = (ID, CHANGED, "create_time", "is_deleted", "life_status", "lock_status", "owner")
LIFE_FIELDS = (ID, CHANGED, "is_deleted", "life_status")
INVALID = "invalid"  # 作废, the first of the two steps of a deletion
IDS_A_CALL = 100


class FxiaokeSettings(BaseModel):
    """What to read of Fxiaoke, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objects: tuple[str, ...] = OBJECTS
    style: Style | None = Field(None, description="in place of the connection's: oauth2, or corp for corpAccessToken")
    lag_minutes: float = Field(5, ge=0, description="how far behind the newest change the next reading begins")
    page_size: int = Field(100, ge=1, le=100)
    daily_calls: int = Field(100_000, ge=1, description="calls this warehouse may make in a UTC day")
    reconcile_days: int = Field(7, ge=1)
    attempts: int = Field(8, ge=1, description="tries of one request before the source counts as unavailable")


class FxiaokeReader:
    """A `RecordReader` of one Fxiaoke tenant."""

    def __init__(
        self,
        source: str,
        credentials: Credentials,
        settings: FxiaokeSettings,
        tokens: Tokens,
        budget: CallBudget | None = None,
        *,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        style = style_of(source, credentials, settings.style)
        self._api = FxiaokeApi(
            source, credentials, style, tokens, budget, settings.daily_calls, patience, transport, sleep
        )
        self._fields: dict[str, tuple[str, ...]] = {}

    @property
    def count_calls(self) -> int:
        """Requests made so far."""
        return self._api.count_calls

    def read(self, entity: str, state: State | None) -> Generator[Page, None, Outcome]:
        modified = instant((state or {}).get("modified"))
        lag = timedelta(minutes=self._settings.lag_minutes)
        filters = [where(CHANGED, "GTE", milliseconds(modified - lag))] if modified else []
        # Asked for before the rows: what changes while they are read lies behind it, for the next reading.
        first = self._query(entity).ask(filters, LIFE_FIELDS, NEWEST_FIRST, limit=1).rows
        newest = instant_of_milliseconds(first[0].get(CHANGED)) if first else None
        if first:
            for rows in self._query(entity).pages(filters, self._fields_of(entity)):
                yield [_version(row) for row in rows]
        moments = [moment for moment in (modified, newest) if moment]
        told = {"modified": max(moments).isoformat() if moments else None}
        return Outcome(told, is_complete=modified is None)

    def keys(self, entity: str) -> Iterator[Sequence[str]]:
        for rows in self._query(entity).pages([], LIFE_FIELDS):
            yield [str(row[ID]) for row in rows if not _is_dead(row)]

    def fetch(self, entity: str, record_ids: Sequence[str]) -> Iterator[Page]:
        for group in in_groups(record_ids, IDS_A_CALL):
            for rows in self._query(entity).pages([where(ID, "IN", *group)], self._fields_of(entity)):
                yield [_version(row) for row in rows]

    def count(self, entity: str) -> int | None:
        living = [where("is_deleted", "EQ", False), where("life_status", "N", INVALID)]
        return self._query(entity).ask(living, LIFE_FIELDS, limit=1).total

    def close(self) -> None:
        self._api.close()

    def _query(self, entity: str) -> Query:
        return Query(self._api, entity, self._settings.page_size)

    def _fields_of(self, entity: str) -> tuple[str, ...]:
        if entity not in self._fields:
            self._fields[entity] = tuple(dict.fromkeys([*SYSTEM_FIELDS, *self._query(entity).fields()]))
        return self._fields[entity]


def _version(row: Row) -> Version:
    changed_at = instant_of_milliseconds(row.get(CHANGED))
    if _is_dead(row):
        # What is left of a deleted record tells that it is gone, not whom it was about.
        rest: dict[str, Any] = {name: row.get(name) for name in LIFE_FIELDS}
        return Version(str(row[ID]), json_text(rest), changed_at, is_deleted=True)
    return Version(str(row[ID]), json_text(row), changed_at)


def _is_dead(row: Row) -> bool:
    return row.get("is_deleted") in (True, "true", 1) or row.get("life_status") == INVALID
