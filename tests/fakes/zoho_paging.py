"""Pages of a listing: numbers for the first rows, tokens beyond."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.limits import Clock
from tests.fakes.zoho_errors import ZohoError
from tests.fakes.zoho_store import Key, Ordered

LARGEST_PAGE = 200


@dataclass(frozen=True)
class Mark:
    """Where a page token leads, and to whom it belongs."""

    bound_to: tuple[Any, ...]
    served: int
    last: Key | None
    issued: datetime


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    info: dict[str, Any]


class Pager:
    """Cuts ordered rows into pages within the vendor's limits."""

    def __init__(self, first_rows: int, most_rows: int, token_life: float, clock: Clock) -> None:
        self.first_rows = first_rows
        self.most_rows = most_rows
        self.token_life = timedelta(seconds=token_life)
        self.clock = clock
        self._marks: dict[str, Mark] = {}
        self._loops: dict[tuple[Any, ...], str] = {}
        self._lock = threading.Lock()

    def page(self, rows: Ordered, params: dict[str, str], bound_to: tuple[Any, ...]) -> Page:
        size = _whole(params, "per_page", LARGEST_PAGE)
        if size > LARGEST_PAGE:
            raise ZohoError("INVALID_DATA", param_name="per_page", maximum=LARGEST_PAGE)
        start, served = self._start(rows, params, bound_to, size)
        picked = rows.slice(start, size)
        more = start + len(picked) < len(rows)
        info: dict[str, Any] = {
            "per_page": size,
            "count": len(picked),
            "page": served // size + 1,
            "more_records": more,
            "next_page_token": None,
            "previous_page_token": None,
            "page_token_expiry": None,
        }
        if more:
            token, mark = self.issue(bound_to, served + len(picked), rows.key_at(start + len(picked) - 1))
            info["next_page_token"] = token
            info["page_token_expiry"] = (mark.issued + self.token_life).isoformat(timespec="seconds")
        return Page(picked, info)

    def issue(self, bound_to: tuple[Any, ...], served: int, last: Key | None) -> tuple[str, Mark]:
        token, mark = secrets.token_hex(24), Mark(bound_to, served, last, self.clock())
        with self._lock:
            self._marks[token] = mark
        return token, mark

    def back(self, bound_to: tuple[Any, ...], fresh: bool) -> str:
        """A token that leads to the first page; the same each time unless `fresh`."""
        with self._lock:
            known = self._loops.get(bound_to)
        if known and not fresh:
            return known
        token, _ = self.issue(bound_to, 0, None)
        with self._lock:
            self._loops[bound_to] = token
        return token

    def _start(self, rows: Ordered, params: dict[str, str], bound_to: tuple[Any, ...], size: int) -> tuple[int, int]:
        """The place of the first row, and how many rows the caller has been through."""
        if "page_token" not in params:
            start = (_whole(params, "page", 1) - 1) * size
            if start + size > self.first_rows:
                raise ZohoError("DISCRETE_PAGINATION_LIMIT_EXCEEDED", limit=self.first_rows)
            return start, start
        if "page" in params:
            raise ZohoError("AMBIGUITY_DURING_PROCESSING", ambiguity_due_to=["page", "page_token"])
        mark = self._mark(params["page_token"], bound_to)
        if mark.served >= self.most_rows:
            raise ZohoError("PAGINATION_LIMIT_EXCEEDED", limit=self.most_rows)
        return (0 if mark.last is None else rows.after(mark.last)), mark.served

    def _mark(self, token: str, bound_to: tuple[Any, ...]) -> Mark:
        with self._lock:
            mark = self._marks.get(token)
        if mark is None:
            raise ZohoError("INVALID_DATA", param_name="page_token")
        if self.clock() >= mark.issued + self.token_life:
            raise ZohoError("EXPIRED_VALUE", param_name="page_token")
        if mark.bound_to != bound_to:
            raise ZohoError("TOKEN_BOUND_DATA_MISMATCH", param_name="page_token")
        return mark


def _whole(params: dict[str, str], name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise ZohoError("INVALID_DATA", param_name=name, expected_data_type="integer")
    return int(text)
