"""List a module whole: wider than 50 fields, longer than 100,000 rows, and while people work in it.

Pages are positions in a moving list: a record that changes moves to its end, one that is deleted leaves it, and those
behind it move up, over the edge of a page and out of sight. `Listing` notices that anything moved (a row came twice,
a row it saw is deleted by now) and then looks for the ids it has not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from datetime import datetime, timedelta

from kehu.sources.contract import SourceError, SourceUnavailable
from kehu.sources.paging import in_groups
from kehu.sources.values import instant
from kehu.sources.zoho_api import LostTokenError, PageLimitError, ZohoApi
from kehu.sources.zoho_pages import CHANGED, Pager, Row, rows_of

FIELDS_A_CALL = 50
IDS_A_CALL = 100
ROUNDS = 3
LOST_TOKENS = 5


class Module:
    """One module with the fields wanted of it."""

    def __init__(self, source: str, api: ZohoApi, name: str, fields: Sequence[str], page_size: int) -> None:
        self._source, self._api, self.name, self._page_size = source, api, name, page_size
        others = [field for field in fields if field not in (CHANGED, "id")]
        groups = in_groups(others, FIELDS_A_CALL - 1) or [["id"]]
        self._field_lists = [",".join([CHANGED, *group]) for group in groups]

    @property
    def path(self) -> str:
        return f"/crm/v8/{self.name}"

    def pagers(self, since: datetime | None) -> list[Pager]:
        """One pager for each list of fields, all over the same rows: changed since, the longest unchanged first."""
        order = {"sort_by": CHANGED, "sort_order": "asc", "per_page": self._page_size, **self._scope()}
        return [
            Pager(self._api, self.path, self.name, {"fields": fields, **order}, since) for fields in self._field_lists
        ]

    def fetch(self, record_ids: Sequence[str]) -> Iterator[list[Row]]:
        """The present rows of these ids, whole; ids that are gone are left out."""
        for group in in_groups(record_ids, IDS_A_CALL):
            yield self._fetch_whole(group)

    def join(self, parts: Sequence[list[Row]]) -> list[Row]:
        """The parts of each row put together; rows whose parts differ in time, or lack one, are read again."""
        whole, open_ids = _joined(parts)
        for rows in self.fetch(open_ids):
            whole += rows
        return whole

    def _fetch_whole(self, record_ids: Sequence[str]) -> list[Row]:
        whole: list[Row] = []
        open_ids = list(record_ids)
        for _ in range(ROUNDS):
            agreed, open_ids = _joined([self._fetch_part(open_ids, fields) for fields in self._field_lists])
            whole += agreed
            if not open_ids:
                return whole
        raise SourceUnavailable(self._source, self.path, "records change faster than they can be read")

    def _fetch_part(self, record_ids: Sequence[str], fields: str) -> list[Row]:
        params = {"fields": fields, "ids": ",".join(record_ids), "per_page": IDS_A_CALL, **self._scope()}
        answer = self._api.call("GET", self.path, self.name, params=params, refused=rows_of)
        return answer.json["data"] if answer.json else []

    def _scope(self) -> dict[str, str]:
        return {"converted": "both"} if self.name == "Leads" else {}


def _joined(parts: Sequence[list[Row]]) -> tuple[list[Row], list[str]]:
    """Rows of which all parts are there and of one time, and the ids of the others."""
    by_id = [{row["id"]: row for row in part} for part in parts]
    every_id = dict.fromkeys(record_id for part in by_id for record_id in part)
    whole, open_ids = [], []
    for record_id in every_id:
        rows = [part.get(record_id) for part in by_id]
        if all(row is not None and row.get(CHANGED) == (rows[0] or {}).get(CHANGED) for row in rows):
            whole.append({name: value for row in rows for name, value in (row or {}).items()})
        else:
            open_ids.append(record_id)
    return whole, open_ids


class Listing:
    """One reading of a module from an instant on (None: all of it).

    `newest` is the newest time of change that was listed. It grows with the list, so that nothing older was missed.
    """

    def __init__(self, source: str, module: Module, since: datetime | None) -> None:
        self._source, self._module, self._since = source, module, since
        self._times: dict[str, str | None] = {}
        self._count_pages = 0
        self._has_moved = False
        self._is_ordered = True
        self.newest: datetime | None = None

    @property
    def seen(self) -> Set[str]:
        """The ids of the rows told so far."""
        return self._times.keys()

    def pages(self) -> Iterator[list[Row]]:
        """All rows, each version once, in one window after the other."""
        start, reached, lost_tokens = self._since, None, 0
        while True:
            try:
                yield from self._window(start)
                return
            except LostTokenError:
                lost_tokens += 1
                if lost_tokens > LOST_TOKENS:
                    reason = "page tokens are lost again and again"
                    raise SourceUnavailable(self._source, self._module.path, reason) from None
            except PageLimitError:
                if self.newest == reached or not self._is_ordered:
                    reason = "more rows of one time of change than can be listed, or not listed by time of change"
                    raise SourceError(self._source, self._module.path, reason) from None
            reached = self.newest
            # A second earlier: whether rows of just that instant are within is not documented; none is told twice.
            if reached and self._is_ordered:
                start = reached - timedelta(seconds=1)

    def mend(self, ids: Module, gone: Set[str]) -> Iterator[list[Row]]:
        """After the last page: the rows that slipped past, found by listing ids alone; `gone` are deleted by now."""
        self._has_moved = self._has_moved or (self._count_pages > 1 and not gone.isdisjoint(self.seen))
        for _ in range(ROUNDS):
            if not self._has_moved:
                return
            again = Listing(self._source, ids, self._since)
            listed = dict.fromkeys(row["id"] for page in again.pages() for row in page)
            missed = [record_id for record_id in listed if record_id not in self._times]
            self._has_moved = again._has_moved and bool(missed)
            for rows in self._module.fetch(missed):
                yield self._new(rows)
        if self._has_moved:
            raise SourceUnavailable(self._source, self._module.path, "the list changes faster than it can be read")

    def _window(self, start: datetime | None) -> Iterator[list[Row]]:
        pagers = self._module.pagers(start)
        previous: datetime | None = None
        try:
            while not all(pager.is_done for pager in pagers):
                parts = [pager.next_page() for pager in pagers]
                times = [time for time in (instant(row.get(CHANGED)) for row in parts[0]) if time]
                in_order = [previous, *times] if previous else times
                self._is_ordered = self._is_ordered and in_order == sorted(in_order)
                yield self._new(self._module.join(parts))
                self._count_pages += 1
                previous = times[-1] if times else previous
                self.newest = max([*times, self.newest] if self.newest else times, default=None)
        finally:
            self._has_moved = self._has_moved or any(pager.has_repeats for pager in pagers)

    def _new(self, rows: list[Row]) -> list[Row]:
        """Those not told yet; an id that comes again with another time has moved to the end of the list."""
        fresh = []
        for row in rows:
            record_id, told = row["id"], row.get(CHANGED)
            changed_at = instant(told)
            if self._since and changed_at and changed_at < self._since:
                continue  # a newer specification has no If-Modified-Since
            if record_id not in self._times or self._times[record_id] != told:
                self._has_moved = self._has_moved or record_id in self._times
                self._times[record_id] = told
                fresh.append(row)
        return fresh
