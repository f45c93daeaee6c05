"""Read Zoho CRM v8: what changed and what was deleted, as the CRM tells it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field
from pyrate_limiter import Duration, Limiter, Rate

from kehu.sources.contract import Credentials, Outcome, Page, State, Version
from kehu.sources.http import Answer, Patience, TransientError
from kehu.sources.values import instant, json_text
from kehu.sources.zoho_api import PageLimitError, RefusedError, ZohoApi
from kehu.sources.zoho_bulk import BulkRead
from kehu.sources.zoho_listing import Listing, Module
from kehu.sources.zoho_pages import CHANGED, DELETED, ROWS_BY_TOKEN, Pager, Row
from kehu.warehouse.tokens import Tokens

log = logging.getLogger(__name__)
MODULES = ("Contacts", "Accounts", "Leads", "Deals", "Cases", "Products", "Campaigns")


class ZohoSettings(BaseModel):
    """What to read of Zoho CRM, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    modules: dict[str, tuple[str, ...]] = Field(
        default={module: () for module in MODULES}, description="modules and their fields; none means all"
    )
    lag_minutes: float = Field(5, ge=0, description="how far behind the newest change the next reading begins")
    page_size: int = Field(200, ge=1, le=200)
    bulk_from_rows: int = Field(2000, ge=0, description="first loads of more rows use bulk read")
    bulk_poll_seconds: float = Field(15, gt=0)
    reconcile_days: int = Field(7, ge=1)
    attempts: int = Field(8, ge=1, description="tries of one request before the source counts as unavailable")


class ZohoReader:
    """A `RecordReader` of one Zoho CRM. The connection's secrets never leave it but to Zoho's own hosts."""

    def __init__(
        self,
        source: str,
        credentials: Credentials,
        settings: ZohoSettings,
        tokens: Tokens,
        *,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source, self._settings, self._sleep = source, settings, sleep
        self._api = ZohoApi(source, credentials, tokens, patience, transport, sleep)
        self._downloads = Limiter(Rate(10, Duration.MINUTE))
        self._types: dict[str, Mapping[str, str]] = {}

    @property
    def count_calls(self) -> int:
        """Requests made so far."""
        return self._api.count_calls

    def read(self, entity: str, state: State | None) -> Generator[Page, None, Outcome]:
        state = state or {}
        lag = timedelta(minutes=self._settings.lag_minutes)
        modified, deleted = instant(state.get("modified")), instant(state.get("deleted"))
        if modified is None and self._is_large(entity):
            newest, seen = yield from self._read_bulk(entity)
            gone = self._deletions(entity, deleted - lag if deleted else None)
        else:
            module = self._module(entity)
            listing = Listing(self._source, module, modified - lag if modified else None)
            yield from map(_versions, listing.pages())
            gone = self._deletions(entity, deleted - lag if deleted else None)
            yield from map(_versions, listing.mend(self._ids(entity), gone.keys()))
            newest, seen = listing.newest, set(listing.seen)
        yield self._tombstones(entity, gone, seen)
        newest_gone = max((time for time in map(_deleted_at, gone.values()) if time), default=None)
        told = {"modified": _later(modified, newest), "deleted": _later(deleted, newest_gone)}
        return Outcome(told, is_complete=modified is None)

    def keys(self, entity: str) -> Iterator[Sequence[str]]:
        told: set[str] = set()
        listing = Listing(self._source, self._ids(entity), None)

        def fresh(rows: list[Row]) -> list[str]:
            ids = [row["id"] for row in rows if row["id"] not in told]
            told.update(ids)
            return ids

        yield from map(fresh, listing.pages())
        yield from map(fresh, listing.mend(self._ids(entity), self._deletions(entity, None).keys()))

    def fetch(self, entity: str, record_ids: Sequence[str]) -> Iterator[Page]:
        yield from map(_versions, self._module(entity).fetch(record_ids))

    def count(self, entity: str) -> int | None:
        path = f"/crm/v8/{entity}/actions/count"
        params = {"converted": "both"} if entity == "Leads" else None
        try:
            return int(self._api.call("GET", path, entity, params=params, refused=_refuse_no_count).json["count"])
        except RefusedError:
            return None

    def close(self) -> None:
        self._api.close()
        self._downloads.close()

    def _module(self, entity: str) -> Module:
        return Module(self._source, self._api, entity, list(self._field_types(entity)), self._settings.page_size)

    def _ids(self, entity: str) -> Module:
        return Module(self._source, self._api, entity, [], self._settings.page_size)

    def _field_types(self, entity: str) -> Mapping[str, str]:
        """The fields to read and their types: those configured, else all that the CRM has today."""
        if entity not in self._types:
            answer = self._api.call(
                "GET", "/crm/v8/settings/fields", entity, params={"module": entity}, refused=_refuse_no_fields
            )
            types = {field["api_name"]: str(field.get("data_type")) for field in answer.json["fields"]}
            wanted = self._settings.modules.get(entity) or tuple(types)
            self._types[entity] = {name: types.get(name, "") for name in (CHANGED, *wanted)}
        return self._types[entity]

    def _is_large(self, entity: str) -> bool:
        return (self.count(entity) or 0) > self._settings.bulk_from_rows

    def _read_bulk(self, entity: str) -> Generator[Page, None, tuple[datetime | None, set[str]]]:
        """A first load by bulk read, and then the rows that bulk read leaves out, as it is known to do."""
        types = {name: kind for name, kind in self._field_types(entity).items() if name != "id"}
        poll_seconds = self._settings.bulk_poll_seconds
        bulk = BulkRead(self._source, self._api, entity, types, self._downloads, poll_seconds, self._sleep)
        seen: set[str] = set()
        for rows in bulk.pages():
            fresh = [row for row in rows if row["id"] not in seen]
            seen.update(row["id"] for row in fresh)
            yield _versions(fresh)
        if self.count(entity) != len(seen):
            for ids in self.keys(entity):
                missed = [record_id for record_id in ids if record_id not in seen]
                for rows in self._module(entity).fetch(missed):
                    seen.update(row["id"] for row in rows)
                    yield _versions(rows)
        return bulk.newest, seen

    def _deletions(self, entity: str, since: datetime | None) -> dict[str, Row]:
        """What was deleted since an instant, by id."""
        params = {"type": "all", "per_page": self._settings.page_size}
        pager = Pager(self._api, f"/crm/v8/{entity}/deleted", entity, params, since, rows_by_number=ROWS_BY_TOKEN)
        gone: dict[str, Row] = {}
        try:
            while not pager.is_done:
                for row in pager.next_page():
                    deleted_at = _deleted_at(row)
                    if since is None or (deleted_at and deleted_at > since):
                        gone[row["id"]] = row
        except PageLimitError:
            # The comparison of counts and ids finds the others.
            log.warning("%s: %s: more deletions than can be listed", self._source, entity)
        return gone

    def _tombstones(self, entity: str, gone: Mapping[str, Row], seen: set[str]) -> Page:
        """Deletions as versions, less those of records that were listed in this reading and are still there."""
        doubtful = [record_id for record_id in gone if record_id in seen]
        living = {row["id"] for rows in self._ids(entity).fetch(doubtful) for row in rows}
        return [_tombstone(row) for record_id, row in gone.items() if record_id not in living]


def _versions(rows: Sequence[Row]) -> Page:
    return [Version(str(row["id"]), json_text(row), instant(row.get(CHANGED))) for row in rows]


def _tombstone(row: Row) -> Version:
    """A deletion without the names that the CRM tells along with it."""
    record = json_text({name: row.get(name) for name in ("id", "type", DELETED)})
    return Version(str(row["id"]), record, _deleted_at(row), is_deleted=True)


def _deleted_at(row: Row) -> datetime | None:
    return instant(row.get(DELETED))


def _later(known: datetime | None, seen: datetime | None) -> str | None:
    moments = [moment for moment in (known, seen) if moment]
    return max(moments).isoformat() if moments else None


def _refuse_no_fields(answer: Answer) -> None:
    told: Any = answer.json["fields"] if isinstance(answer.json, dict) and "fields" in answer.json else None
    if not isinstance(told, list) or not all(isinstance(field, dict) and field.get("api_name") for field in told):
        raise TransientError("an answer of another shape")


def _refuse_no_count(answer: Answer) -> None:
    if not isinstance(answer.json, dict) or not str(answer.json.get("count", "")).isdecimal():
        raise TransientError("an answer of another shape")
