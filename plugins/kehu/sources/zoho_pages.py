"""The pages of one Zoho listing: by number up to 2,000 rows, by token up to 100,000, each checked as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kehu.sources.http import Answer, TransientError
from kehu.sources.paging import PageGuard
from kehu.sources.zoho_api import PageLimitError, ZohoApi

Row = dict[str, Any]
ROWS_BY_NUMBER = 2_000
ROWS_BY_TOKEN = 100_000
CHANGED = "Modified_Time"
DELETED = "deleted_time"


class Pager:
    """One question and its pages. `is_done` once the last is read, `has_repeats` if a row came twice.

    `next_page` raises `PageLimitError` where this question shows no more rows, and `LostTokenError` as `ZohoApi` does.
    """

    def __init__(
        self,
        api: ZohoApi,
        path: str,
        subject: str,
        params: Mapping[str, Any],
        since: datetime | None = None,
        rows_by_number: int = ROWS_BY_NUMBER,
    ) -> None:
        self._api, self._path, self._subject, self._params = api, path, subject, params
        self._headers = {"If-Modified-Since": since.isoformat(timespec="seconds")} if since else None
        self._rows_by_number = rows_by_number
        self._size = int(params["per_page"])
        self._guard = PageGuard()
        self._page, self._count = 1, 0
        self._token: str | None = None
        self.is_done = False

    @property
    def has_repeats(self) -> bool:
        """Whether a row came twice: rows moved from page to page while they were read."""
        return self._guard.has_repeats

    def next_page(self) -> list[Row]:
        """The next rows; none after the last."""
        if self.is_done:
            return []
        if self._count >= ROWS_BY_TOKEN:
            raise PageLimitError
        answer = self._ask()
        rows, info = rows_of(answer)
        self._guard.take([_mark(row) for row in rows])
        self._count += len(rows)
        self._page += 1
        self._token = info.get("next_page_token")
        self.is_done = not info.get("more_records")
        return rows

    def _ask(self) -> Answer:
        if self._count + self._size <= self._rows_by_number:
            try:
                return self._request({"page": self._page})
            except PageLimitError:
                # A stricter limit than the one known: the token goes on from here too.
                if self._token is None:
                    raise
        if self._token is None:
            raise PageLimitError
        self._guard.use(self._token)
        return self._request({"page_token": self._token})

    def _request(self, position: Mapping[str, Any]) -> Answer:
        params = {**self._params, **position}
        return self._api.call(
            "GET", self._path, self._subject, params=params, headers=self._headers, refused=self._check
        )

    def _check(self, answer: Answer) -> None:
        """Refuse a page that is not whole, not the next one, or not a page."""
        rows, info = rows_of(answer)
        if not rows and (self._count or info.get("more_records")):
            raise TransientError("nothing where more records were announced")
        token = info.get("next_page_token") if info.get("more_records") else None
        self._guard.check([_mark(row) for row in rows], token)


def rows_of(answer: Answer) -> tuple[list[Row], dict[str, Any]]:
    """The rows and the info of an answer; none without a body.

    Raises
    ------
    TransientError
        If it has another shape, or not as many rows as it says.
    """
    if answer.json is None:
        return [], {}
    told = answer.json if isinstance(answer.json, dict) else {}
    rows, info = told.get("data"), told.get("info")
    if not isinstance(rows, list) or not isinstance(info, dict):
        raise TransientError("an answer of another shape")
    if not all(isinstance(row, dict) and row.get("id") for row in rows):
        raise TransientError("rows without an id")
    if info.get("count") not in (None, len(rows)):
        raise TransientError("a page with fewer or more rows than it says")
    return rows, info


def _mark(row: Row) -> tuple[Any, Any]:
    return row["id"], row.get(CHANGED) or row.get(DELETED)
