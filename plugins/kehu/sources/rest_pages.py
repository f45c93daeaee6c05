"""One listing of a REST source, page by page, whatever its way of paging; each page is checked as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import httpx

from kehu.sources.contract import Version
from kehu.sources.http import Answer, TransientError, http_date
from kehu.sources.paging import PageGuard
from kehu.sources.rest_settings import EntitySettings, PagingSettings
from kehu.sources.values import instant, instant_of_milliseconds, json_text

# Makes one request: where to, its parameters, who looks at the answer before it counts as whole, and whether a place
# that does not exist is an answer (None).
Ask = Callable[[str, Mapping[str, Any], Callable[[Answer], None], bool], Answer | None]
MILLISECONDS_FROM = 100_000_000_000  # epoch numbers from here on are milliseconds


@dataclass(frozen=True)
class Position:
    """Where a page is: an address, the parameters to send (None: the address has them), the cursor it stands at."""

    url: str
    params: Mapping[str, Any] | None
    cursor: str | None = None


class Listing:
    """The pages of one listing.

    After the last page, `is_steady` tells whether every record came once, as many came as the source announced, and
    none went meanwhile (those behind it would have moved up over the edge of a page). `newest` is the newest time of
    change that has nothing unread before it.
    """

    def __init__(self, ask: Ask, url: str, entity: EntitySettings, filters: Mapping[str, Any]) -> None:
        self._ask, self._url, self._entity, self._paging = ask, url, entity, entity.paging
        self._params = {**entity.params, **filters}
        if self._paging.size_param and self._paging.style != "none":
            self._params[self._paging.size_param] = self._paging.size
        self._guard = PageGuard()
        self._count = 0
        self._ids: set[str] = set()
        self._was_short = False
        self._has_shrunk = False
        self._began_at: datetime | None = None
        self.newest: datetime | None = None
        self.total: int | None = None

    @property
    def is_steady(self) -> bool:
        return len(self._ids) == self._count and self.total in (None, self._count) and not self._has_shrunk

    def pages(self) -> Iterator[list[Version]]:
        """The rows as versions."""
        position: Position | None = self._first()
        while position is not None:
            if position.cursor:
                self._guard.use(position.cursor)
            # Some sources have no page after the last one, where others have an empty one.
            answer = self._ask(position.url, position.params or {}, self._check, self._count > 0)
            if answer is None:
                return
            rows = _rows(answer, self._entity)
            versions = [_version(row, self._entity) for row in rows]
            self._take(answer, rows, versions)
            yield versions
            position = self._next(position, answer, len(rows))

    def _take(self, answer: Answer, rows: list[dict[str, Any]], versions: list[Version]) -> None:
        self._began_at = self._began_at or http_date(answer.headers.get("Date", ""))
        total = _total(answer, self._paging)
        self._has_shrunk = self._has_shrunk or (total is not None and self.total is not None and total < self.total)
        self.total = total
        self._guard.take(_marks(versions))
        self._ids.update(one.record_id for one in versions)
        self._count += len(rows)
        self._was_short = len(rows) < self._paging.size
        field = (self._entity.cursor and self._entity.cursor.field) or self._entity.changed_at
        moments = [moment for row in rows if field and (moment := moment_of(inside(row, field)))]
        if moments:
            # What changes behind the page being read stays unread, so the source's clock at the first page is the end.
            newest = max([*moments, self.newest] if self.newest else moments)
            self.newest = min(newest, self._began_at) if self._began_at else newest

    def _first(self) -> Position:
        paging = self._paging
        start = {"page": {paging.page_param: paging.first_page}, "offset": {paging.page_param: 0}}
        return Position(self._url, {**self._params, **start.get(paging.style, {})})

    def _next(self, position: Position, answer: Answer, count: int) -> Position | None:
        paging = self._paging
        if paging.style in ("page", "offset"):
            if not count or (self.total is not None and self._count >= self.total):
                return None
            assert position.params is not None
            number = position.params[paging.page_param] + (1 if paging.style == "page" else count)
            return Position(self._url, {**self._params, paging.page_param: number})
        cursor = self._next_cursor(answer)
        if cursor is None:
            return None
        if paging.style == "cursor":
            return Position(self._url, {**self._params, paging.cursor_param: cursor}, cursor)
        return Position(cursor, None, cursor)

    def _next_cursor(self, answer: Answer) -> str | None:
        """The cursor, or for style `link` the address, that leads to the next page."""
        if self._paging.style not in ("cursor", "link"):
            return None
        if self._paging.cursor_path:
            found = inside(answer.json, self._paging.cursor_path)
        else:
            found = httpx.Response(200, headers=dict(answer.headers)).links.get("next", {}).get("url")
        if found in (None, "", False):
            return None
        return urljoin(self._url, str(found)) if self._paging.style == "link" else str(found)

    def _check(self, answer: Answer) -> None:
        """Refuse a page that is not whole, not the next one, or not a page."""
        rows = _rows(answer, self._entity)
        self._guard.check(_marks([_version(row, self._entity) for row in rows]), self._next_cursor(answer))
        paging, total = self._paging, _total(answer, self._paging)
        if paging.style == "none" and total is not None and len(rows) < total:
            raise TransientError("an answer with fewer rows than it says")
        if paging.style not in ("page", "offset"):
            return
        if not rows and total is not None and self._count < total:
            raise TransientError("nothing where more rows were announced")
        if not paging.size_param:
            return
        if total is not None and len(rows) < min(paging.size, total - self._count):
            raise TransientError("a page with fewer rows than it says")
        if rows and self._was_short and paging.style == "page":
            raise TransientError("rows after a short page: is `size` more than the source gives?")


def inside(value: Any, path: str) -> Any:
    """What a path of names with dots leads to; None where it leads nowhere, the value itself for an empty path."""
    for name in path.split(".") if path else []:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _total(answer: Answer, paging: PagingSettings) -> int | None:
    """How many rows the whole listing has, where the answer tells."""
    told = inside(answer.json, paging.total_path) if paging.total_path else None
    if paging.total_header:
        told = answer.headers.get(paging.total_header)
    return int(str(told)) if str(told).isdecimal() else None


def moment_of(value: Any) -> datetime | None:
    """An instant, from ISO 8601 or from an epoch number in seconds or milliseconds."""
    if isinstance(value, str) and not value.isdecimal():
        return instant(value)
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return instant_of_milliseconds(number if abs(number) >= MILLISECONDS_FROM else number * 1000)


def _rows(answer: Answer, entity: EntitySettings) -> list[dict[str, Any]]:
    rows = [] if answer.json is None else inside(answer.json, entity.records)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TransientError("an answer without a list of records")
    return rows


def _version(row: dict[str, Any], entity: EntitySettings) -> Version:
    parts = [inside(row, name) for name in entity.key]
    if any(part is None or isinstance(part, (dict, list)) for part in parts):
        raise TransientError("a record without its key")
    record_id = str(parts[0]) if len(parts) == 1 else json_text([str(part) for part in parts])
    changed_at = moment_of(inside(row, entity.changed_at)) if entity.changed_at else None
    is_deleted = bool(entity.deleted) and inside(row, entity.deleted or "") in (True, 1, "true")
    return Version(record_id, json_text(row), changed_at, is_deleted)


def _marks(versions: list[Version]) -> list[tuple[str, int]]:
    return [(one.record_id, hash(one.record)) for one in versions]
