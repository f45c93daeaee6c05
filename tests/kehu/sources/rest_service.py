"""A fake REST service with readers of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timezone

import simplejson

from kehu.sources.contract import Credentials
from kehu.sources.rest import RestReader, RestSettings
from tests.fakes.crowd import fill_rest
from tests.fakes.exchange import Answer, Request
from tests.fakes.limits import MovableClock
from tests.fakes.rest import FakeRest
from tests.fakes.server import FakeServer
from tests.kehu.sources.readings import QUICK

COMMON = {"key": "id", "changed_at": "updated_at", "cursor": {"param": "updated_since"}}
CURSOR = {"style": "cursor", "size_param": "limit", "size": 50, "cursor_path": "next_cursor"}
ENTITIES = {
    "tickets": {"records": "data", "paging": {"style": "page", "size": 50, "total_path": "total"}},
    "calls": {
        "records": "items",
        "paging": {"style": "offset", "page_param": "offset", "size_param": "limit", "size": 50, "total_path": "total"},
    },
    "chats": {"records": "data", "paging": CURSOR | {"total_path": "total"}},
    "visits": {"paging": {"style": "link", "size": 50, "total_header": "X-Total-Count"}},
    "complaints": {"paging": {"style": "page", "size": 50}},
    "survey_answers": {"records": "items", "paging": CURSOR},
    "posts": {"records": "data", "paging": {"style": "link", "size": 50}},
}


class MeddledRest(FakeRest):
    """A service whose data change while they are read: `meddle[n]` happens before the n-th page."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.meddle: dict[int, Callable[[], None]] = {}
        self.count_pages = 0
        self._counting = threading.Lock()

    def handle(self, request: Request) -> Answer:
        with self._counting:
            self.count_pages += 1
            self.meddle.pop(self.count_pages, lambda: None)()
        return super().handle(request)


class Service:
    """One fake with its server, and readers of it."""

    def __init__(self) -> None:
        self.clock = MovableClock(datetime.now(timezone.utc).replace(microsecond=0))
        self.app = MeddledRest("good-token", self.clock)
        fill_rest(self.app, 230)
        self.server = FakeServer(self.app).start()
        self.readers: list[RestReader] = []

    def reader(self, password: str | None = "good-token", auth: str = "bearer", **changes) -> RestReader:
        entities = {name: {"path": name, **COMMON, **rest, **changes} for name, rest in ENTITIES.items()}
        settings = RestSettings.model_validate({"auth": auth, "entities": entities})
        credentials = Credentials(host=self.server.url, login="user", password=password)
        self.readers.append(RestReader("rest", credentials, settings, patience=QUICK))
        return self.readers[-1]

    def expected(self, name: str) -> dict[str, dict]:
        rows = simplejson.loads(simplejson.dumps(self.app.records(name)), use_decimal=True)
        return {str(row["id"]): row for row in rows.values()}
