"""Queries of Fxiaoke's objects: pages by ascending `_id`, so that no offset limits them and no change moves a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kehu.sources.fxiaoke_api import FxiaokeApi
from kehu.sources.http import TransientError

Row = dict[str, Any]
Filter = dict[str, Any]
ID, CHANGED = "_id", "last_modified_time"
PRESET_PATH, CUSTOM_PATH = "/cgi/crm/v2/data/query", "/cgi/crm/custom/v2/data/query"
DESCRIBE_PATH = "/cgi/crm/v2/object/describe"
BY_ID = ({"fieldName": ID, "isAsc": True},)
NEWEST_FIRST = ({"fieldName": CHANGED, "isAsc": False},)


@dataclass(frozen=True)
class Found:
    """One page, and how many rows the whole query finds where it tells."""

    rows: list[Row]
    total: int | None


class Query:
    """Questions about one object."""

    def __init__(self, api: FxiaokeApi, name: str, page_size: int) -> None:
        self._api, self._name, self._page_size = api, name, page_size

    def fields(self) -> list[str]:
        """The names of the object's fields, as the tenant has them today."""
        told = self._api.call(DESCRIBE_PATH, {"includeDetail": True, "apiName": self._name}, _described)
        return list(_described(told))

    def pages(self, filters: Sequence[Filter], fields: Sequence[str]) -> Iterator[list[Row]]:
        """All rows that the filters let through, each once."""
        last: str | None = None
        while True:
            after = [where(ID, "GT", last)] if last is not None else []
            found = self.ask([*filters, *after], fields, last=last)
            if not found.rows:
                return
            yield found.rows
            if found.total == len(found.rows):
                return
            last = str(found.rows[-1][ID])

    def ask(
        self,
        filters: Sequence[Filter],
        fields: Sequence[str],
        orders: Sequence[Mapping[str, Any]] = BY_ID,
        limit: int | None = None,
        last: str | None = None,
    ) -> Found:
        """One page from the beginning; `last` is the id that all its ids must follow."""
        limit = limit or self._page_size
        query = {
            "limit": limit,
            "offset": 0,
            "filters": list(filters),
            "orders": list(orders),
            "fieldProjection": list(fields),
        }
        body = {"dataObjectApiName": self._name, "find_explicit_total_num": True, "search_query_info": query}

        def check(told: dict[str, Any]) -> None:
            found = _found(told)
            if found.total is not None and len(found.rows) < min(limit, found.total):
                raise TransientError("a page with fewer rows than it says")
            if orders == BY_ID:
                _require_rising([*([last] if last is not None else []), *(str(row[ID]) for row in found.rows)])

        path = CUSTOM_PATH if self._name.endswith("__c") else PRESET_PATH
        return _found(self._api.call(path, {"data": body}, check))


def where(field: str, operator: str, *values: Any) -> Filter:
    """One condition."""
    return {"field_name": field, "field_values": list(values), "operator": operator}


def _envelope(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an answer is about: public code disagrees on where it lies."""
    for name in ("data", "result"):
        if isinstance(told.get(name), dict):
            return told[name]
    raise TransientError("an answer of another shape")


def _described(told: Mapping[str, Any]) -> Mapping[str, Any]:
    describe = _envelope(told).get("describe")
    if not isinstance(describe, dict) or not isinstance(describe.get("fields"), dict):
        raise TransientError("an answer of another shape")
    return describe["fields"]


def _found(told: Mapping[str, Any]) -> Found:
    envelope = _envelope(told)
    rows, total = envelope.get("dataList"), envelope.get("total", envelope.get("totalSize"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get(ID) for row in rows):
        raise TransientError("an answer of another shape")
    return Found(rows, int(total) if str(total).isdecimal() else None)


def _require_rising(ids: Sequence[str]) -> None:
    """An id that does not follow the one before tells of a repeated page, or of a filter that was not kept."""
    if any(later <= earlier for earlier, later in zip(ids, ids[1:], strict=False)):
        raise TransientError("a page whose ids do not follow those before: repeated or out of order")
