"""A fake Zoho CRM with readers of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import simplejson

from kehu.sources.contract import Credentials
from kehu.sources.http import Patience
from kehu.sources.zoho import ZohoReader, ZohoSettings
from kehu.warehouse.tokens import MemoryTokens
from tests.fakes.exchange import Answer, Request
from tests.fakes.limits import MovableClock
from tests.fakes.server import FakeServer
from tests.fakes.zoho import FakeZoho, ZohoLimits
from tests.kehu.sources.readings import QUICK

NO_BULK = {"bulk_from_rows": 1_000_000}


class MeddledZoho(FakeZoho):
    """A CRM in which people work while it is read: `meddle[n]` happens before the n-th page of a listing."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.meddle: dict[int, Callable[[], None]] = {}
        self.count_pages = 0
        self._counting = threading.Lock()

    def handle(self, request: Request) -> Answer:
        if self.listing(request) and not request.path.endswith("/deleted"):
            with self._counting:
                self.count_pages += 1
                self.meddle.pop(self.count_pages, lambda: None)()
        return super().handle(request)


class Crm:
    """One fake with its server, and readers of it."""

    def __init__(self, clock: MovableClock, **limits) -> None:
        self.clock = clock
        self.app = MeddledZoho(clock, ZohoLimits(**limits))
        self.server = FakeServer(self.app).start()
        self.tokens = MemoryTokens()
        self.readers: list[ZohoReader] = []

    def reader(self, tokens=None, patience: Patience = QUICK, credentials: Credentials | None = None, **settings):
        settings = {"bulk_poll_seconds": 0.01, **NO_BULK, **settings}
        reader = ZohoReader(
            "zoho",
            credentials or self.credentials(),
            ZohoSettings(**settings),
            tokens or self.tokens,
            patience=patience,
        )
        self.readers.append(reader)
        return reader

    def credentials(self, **extra) -> Credentials:
        known = self.app.credentials
        extra = {"refresh_token": known.refresh_token, **extra}
        return Credentials(host=self.server.url, login=known.client_id, password=known.client_secret, extra=extra)

    def expected(self, module: str = "Contacts") -> dict[str, dict]:
        rows = simplejson.loads(simplejson.dumps(self.app.records(module)), use_decimal=True)
        empty = dict.fromkeys(self.app.store.module(module).fields)
        return {key: empty | row for key, row in rows.items()}

    def close(self) -> None:
        for reader in self.readers:
            reader.close()
        self.server.stop()
