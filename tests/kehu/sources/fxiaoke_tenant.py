"""A fake Fxiaoke tenant with readers of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from kehu.sources.contract import Credentials
from kehu.sources.fxiaoke import FxiaokeReader, FxiaokeSettings
from kehu.warehouse.tokens import MemoryTokens
from tests.fakes.exchange import Answer, Request
from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.limits import MovableClock
from tests.fakes.server import FakeServer
from tests.kehu.sources.readings import QUICK

QUERY = "/cgi/crm/v2/data/query"
MINTS = ("/oauth2.0/token", "/cgi/corpAccessToken/get/V2")
FEW = (350, 20, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5)


class MeddledFxiaoke(FakeFxiaoke):
    """A tenant in which people work while it is read: `meddle[n]` happens before the n-th query."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.meddle: dict[int, Callable[[], None]] = {}
        self.count_queries = 0
        self._counting = threading.Lock()

    def handle(self, request: Request) -> Answer:
        if self.listing(request):
            with self._counting:
                self.count_queries += 1
                self.meddle.pop(self.count_queries, lambda: None)()
        return super().handle(request)


class Tenant:
    """One fake with its server, and readers of it."""

    def __init__(self, clock: MovableClock, **options) -> None:
        self.clock = clock
        self.app = MeddledFxiaoke(clock, calls=None, **options)
        self.server = FakeServer(self.app).start()
        self.tokens = MemoryTokens()
        self.readers: list[FxiaokeReader] = []

    def reader(self, tokens=None, budget=None, credentials: Credentials | None = None, **settings) -> FxiaokeReader:
        known = credentials or self.credentials()
        made = FxiaokeReader("fx", known, FxiaokeSettings(**settings), tokens or self.tokens, budget, patience=QUICK)
        self.readers.append(made)
        return made

    def credentials(self, **extra) -> Credentials:
        known = self.app.credentials
        extra = {"permanent_code": known.permanent_code, "open_user_id": known.open_user_id, **extra}
        return Credentials(host=self.server.url, login=known.app_id, password=known.app_secret, extra=extra)

    def expected(self, name: str = "AccountObj") -> dict[str, dict]:
        return {key: dict(row) for key, row in self.app.records(name).items() if not row["is_deleted"]}

    def mints(self) -> int:
        return sum(len(self.server.requests_to(path)) for path in MINTS)

    def close(self) -> None:
        for reader in self.readers:
            reader.close()
        self.server.stop()
