"""Read any REST source that lists its records as JSON, as its settings describe it."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from kehu.sources.contract import Credentials, Outcome, Page, SourceError, SourceUnavailable, State, Version
from kehu.sources.http import Answer, Http, Patience, TransientError, base_url
from kehu.sources.rest_pages import Listing
from kehu.sources.rest_settings import CursorSettings, EntitySettings, RestSettings
from kehu.sources.values import instant, milliseconds

ROUNDS = 3

__all__ = ["RestReader", "RestSettings"]


class RestReader:
    """A `RecordReader` of a REST source. Its requests go to the connection's host and nowhere else."""

    def __init__(
        self,
        source: str,
        credentials: Credentials,
        settings: RestSettings,
        *,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source, self._settings = source, settings
        self._base = base_url(source, credentials.host, credentials.port, credentials.schema)
        self._headers = _auth_headers(source, settings, credentials)
        self._http = Http(source, self._base, patience, transport=transport, sleep=sleep)
        self._was_let_in = False

    @property
    def count_calls(self) -> int:
        """Requests made so far."""
        return self._http.count_calls

    def read(self, entity: str, state: State | None) -> Generator[Page, None, Outcome]:
        settings = self._entity(entity)
        cursor = settings.cursor
        since = instant((state or {}).get("changed")) if cursor else None
        newest = yield from self._listed(settings, _filters(cursor, since))
        if cursor is None:
            return Outcome({}, is_complete=True)
        moments = [moment for moment in (since, newest) if moment]
        told = {"changed": max(moments).isoformat() if moments else None}
        return Outcome(told, is_complete=since is None)

    def keys(self, entity: str) -> Iterator[Sequence[str]]:
        for versions in self._listed(self._entity(entity), {}):
            yield [one.record_id for one in versions if not one.is_deleted]

    def fetch(self, entity: str, record_ids: Sequence[str]) -> Iterator[Page]:
        wanted = set(record_ids)
        for versions in self._listed(self._entity(entity), {}):
            yield [one for one in versions if one.record_id in wanted]

    def count(self, entity: str) -> int | None:
        settings = self._entity(entity)
        if not (settings.paging.total_path or settings.paging.total_header):
            return None
        one_row = settings.model_copy(update={"paging": settings.paging.model_copy(update={"size": 1})})
        listing = self._listing(one_row, {})
        next(listing.pages(), None)
        return listing.total

    def close(self) -> None:
        self._http.close()

    def _entity(self, name: str) -> EntitySettings:
        if name not in self._settings.entities:
            raise SourceError(self._source, name, "no such entity in the settings")
        return self._settings.entities[name]

    def _listing(self, entity: EntitySettings, filters: Mapping[str, Any]) -> Listing:
        return Listing(self._ask, f"{self._base}/{entity.path.lstrip('/')}", entity, filters)

    def _listed(
        self, entity: EntitySettings, filters: Mapping[str, Any]
    ) -> Generator[list[Version], None, datetime | None]:
        """Each version once; where rows moved between pages, the list is read again for those that slipped past.

        Returns the newest time of change that has nothing unread before it.
        """
        told: dict[str, int] = {}
        newest: datetime | None = None
        for _ in range(ROUNDS):
            listing = self._listing(entity, filters)
            for versions in listing.pages():
                fresh = [one for one in versions if told.get(one.record_id) != hash(one.record)]
                told.update((one.record_id, hash(one.record)) for one in fresh)
                yield fresh
            # The first listing's: what changed since lies behind it, for the next reading.
            newest = newest or listing.newest
            if listing.is_steady:
                return newest
        raise SourceUnavailable(
            self._source, entity.path, "the list changes while it is read, or its key is not unique"
        )

    def _ask(
        self, url: str, params: Mapping[str, Any], check: Callable[[Answer], None], may_be_missing: bool
    ) -> Answer | None:
        """One page; None where it may be missing and is."""

        def look(answer: Answer) -> None:
            if answer.status in (401, 403) and self._was_let_in:
                raise TransientError(f"HTTP {answer.status} after answers that were given")
            if answer.status < 400:
                check(answer)

        place = urlsplit(url)
        if f"{place.scheme}://{place.netloc}" != "{0.scheme}://{0.netloc}".format(urlsplit(self._base)):
            raise SourceError(self._source, place.path, "the next page lies on another host: not followed")
        answer = self._http.request("GET", url, params=params or None, headers=self._headers, refused=look)
        if answer.status == 404 and may_be_missing:
            return None
        if answer.status >= 400:
            raise SourceError(self._source, place.path, _refusal(answer.status))
        self._was_let_in = True
        return answer


def _auth_headers(source: str, settings: RestSettings, credentials: Credentials) -> dict[str, str]:
    if settings.auth == "none":
        return {}
    if not credentials.password or (settings.auth == "basic" and not credentials.login):
        raise SourceError(source, "the connection", f"auth {settings.auth} needs its login or password")
    if settings.auth == "basic":
        pair = base64.b64encode(f"{credentials.login}:{credentials.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    if settings.auth == "bearer":
        return {"Authorization": f"Bearer {credentials.password}"}
    return {settings.auth_header: credentials.password}


def _filters(cursor: CursorSettings | None, since: datetime | None) -> dict[str, Any]:
    """The parameter that asks for what changed since, a lag earlier."""
    if cursor is None or since is None:
        return {}
    start = since - timedelta(minutes=cursor.lag_minutes)
    if cursor.format == "iso":
        return {cursor.param: start.isoformat()}
    return {cursor.param: milliseconds(start) if cursor.format == "milliseconds" else milliseconds(start) // 1000}


def _refusal(status: int) -> str:
    if status in (401, 403):
        return f"HTTP {status}: the connection's credentials are not accepted, or lack the right"
    return f"HTTP {status}: is the entity's path right?" if status == 404 else f"HTTP {status}"
