"""A generic JSON service of collections, each with its own way of paging."""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from tests.fakes.exchange import Answer, FakeApp, Request
from tests.fakes.limits import Clock, real_time

Style = Literal["page", "offset", "cursor", "link"]
Record = dict[str, Any]
PLACE_NAMES = {"page", "offset", "cursor"}
MOST_SELECTIONS = 20


@dataclass
class Collection:
    """Records in order of arrival, and how they are handed out."""

    name: str
    style: Style = "page"
    key: str | None = "data"  # None: the list is the whole answer, and the total a header
    page_size: int = 50
    largest_page: int = 100
    records: dict[str, Record] = field(default_factory=dict)
    selections: dict[Any, list[Record]] = field(default_factory=dict)

    @property
    def size_name(self) -> str:
        return "per_page" if self.style in ("page", "link") else "limit"

    def since(self, moment: datetime | None) -> list[Record]:
        """What changed at or after the moment; kept until the next write."""
        if moment not in self.selections:
            if len(self.selections) >= MOST_SELECTIONS:
                self.selections.clear()
            self.selections[moment] = [
                record for record in self.records.values() if moment is None or _moment(record["updated_at"]) >= moment
            ]
        return self.selections[moment]


@dataclass(frozen=True)
class Slice:
    """A page: its records, where it starts, and of how many."""

    records: list[Record]
    start: int
    size: int
    total: int

    @property
    def next(self) -> int | None:
        end = self.start + self.size
        return end if end < self.total else None


class BadRequestError(Exception):
    """A parameter that makes no sense."""


class FakeRest(FakeApp):
    """Collections at `/{name}`, behind a bearer token when one is given."""

    def __init__(self, token: str | None = None, clock: Clock = real_time) -> None:
        self.token = token
        self.clock = clock
        self.collections: dict[str, Collection] = {}
        self._numbers = itertools.count(1)
        self._nonces = itertools.count(1)
        self._lock = threading.RLock()

    # --- the data

    def collection(
        self,
        name: str,
        style: Style = "page",
        key: str | None = "data",
        page_size: int = 50,
        largest_page: int = 100,
    ) -> Collection:
        """Open a collection."""
        self.collections[name] = Collection(name, style, key, page_size, largest_page)
        return self.collections[name]

    def add(self, name: str, record: Record) -> Any:
        """A new record; `id` and `updated_at` are given or made. Returns its id."""
        with self._lock:
            collection = self.collections[name]
            record = {"id": next(self._numbers), "updated_at": self._now()} | record
            collection.records[str(record["id"])] = record
            collection.selections.clear()
            return record["id"]

    def change(self, name: str, id: Any, **fields: Any) -> None:
        """New values; `updated_at` moves to now unless it is given."""
        with self._lock:
            collection = self.collections[name]
            collection.records[str(id)] = collection.records[str(id)] | {"updated_at": self._now()} | fields
            collection.selections.clear()

    def delete(self, name: str, id: Any) -> None:
        """The record is gone without a trace."""
        with self._lock:
            del self.collections[name].records[str(id)]
            self.collections[name].selections.clear()

    def records(self, name: str) -> dict[str, Record]:
        with self._lock:
            return dict(self.collections[name].records)

    def revoke_token(self) -> None:
        """No token is good any more until `token` is set again."""
        self.token = ""

    # --- what the server asks

    def listing(self, request: Request) -> str | None:
        name = request.path.strip("/")
        if name not in self.collections:
            return None
        params = {key: value for key, value in request.params.items() if key not in PLACE_NAMES}
        return f"{name} {sorted(params.items())}"

    def revoke(self, request: Request) -> Answer:
        # There is nowhere to renew a token, so only this call is refused.
        return unauthorized()

    def looped(self, request: Request, fresh: bool) -> Answer:
        """By cursor or link: on to page two from the first page, from elsewhere back. By number: page one again."""
        collection = self.collections[request.path.strip("/")]
        if collection.style in ("page", "offset"):
            params = {key: value for key, value in request.params.items() if key not in PLACE_NAMES}
            return self.handle(replace(request, params=params))
        nonce = f".{next(self._nonces)}" if fresh else ""

        def onward(piece: Slice) -> int:
            return piece.next if piece.next is not None and piece.start == 0 else 0

        return self._guarded(request, onward, nonce)

    def handle(self, request: Request) -> Answer:
        return self._guarded(request, lambda piece: piece.next, "")

    def _guarded(self, request: Request, onward: Callable[[Slice], int | None], nonce: str) -> Answer:
        if self.token is not None and (
            not self.token or request.headers.get("authorization") != f"Bearer {self.token}"
        ):
            return unauthorized()
        collection = self.collections.get(request.path.strip("/"))
        if collection is None:
            return Answer(404, {"error": "not_found"})
        if request.method != "GET":
            return Answer(405, {"error": "method_not_allowed"}, {"Allow": "GET"})
        try:
            piece = self._slice(collection, request.params)
        except (BadRequestError, ValueError) as error:
            return Answer(400, {"error": "bad_request", "message": str(error)})
        return self._written(collection, request, piece, onward(piece), nonce)

    def _slice(self, collection: Collection, params: dict[str, str]) -> Slice:
        size = int(params.get(collection.size_name, collection.page_size))
        if not 1 <= size <= collection.largest_page:
            raise BadRequestError(f"{collection.size_name} must be 1 to {collection.largest_page}")
        start = _start(collection.style, params, size)
        if start < 0:
            raise BadRequestError("before the first page")
        since = params.get("updated_since")
        with self._lock:
            records = collection.since(_moment(since) if since else None)
            return Slice(records[start : start + size], start, size, len(records))

    def _written(
        self, collection: Collection, request: Request, piece: Slice, following: int | None, nonce: str
    ) -> Answer:
        headers = {}
        if collection.style == "link" and following is not None:
            place = {"page": following // piece.size + 1, collection.size_name: piece.size}
            others = {key: value for key, value in request.params.items() if key not in {*PLACE_NAMES, *place}}
            # A cursor written anew is here an address written anew.
            again = {"seq": nonce[1:]} if nonce else {}
            url = f"http://{request.headers.get('host')}{request.path}?{urlencode({**others, **place, **again})}"
            headers["Link"] = f'<{url}>; rel="next"'
        if collection.key is None:
            return Answer(200, piece.records, headers | {"X-Total-Count": str(piece.total)})
        body: dict[str, Any] = {collection.key: piece.records, "total": piece.total}
        if collection.style == "cursor":
            body["next_cursor"] = None if following is None else to_cursor(following, nonce)
        return Answer(200, body, headers)

    def _now(self) -> str:
        return self.clock().isoformat(timespec="seconds").replace("+00:00", "Z")


def unauthorized() -> Answer:
    return Answer(401, {"error": "invalid_token"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def to_cursor(start: int, nonce: str) -> str:
    return base64.urlsafe_b64encode(f"from {start}{nonce}".encode()).decode()


def _start(style: Style, params: dict[str, str], size: int) -> int:
    if style == "offset":
        return int(params.get("offset", 0))
    if style == "cursor":
        if not params.get("cursor"):
            return 0
        text = base64.urlsafe_b64decode(params["cursor"]).decode()
        return int(text.removeprefix("from ").partition(".")[0])
    return (int(params.get("page", 1)) - 1) * size


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise BadRequestError(f"a time without an offset: {text}")
    return moment
