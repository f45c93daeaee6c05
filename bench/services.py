"""Rows a second from the CRMs and a REST service, as a share of the rate at which the fake can serve the same pages.

The peer sends the connector's own requests again, one after the other, and looks at nothing of the answers.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import httpx

from bench.night import Bench
from kehu.sources import fxiaoke_api
from kehu.sources.contract import Credentials, RecordReader
from kehu.sources.fxiaoke import FxiaokeReader, FxiaokeSettings
from kehu.sources.records import ingest_records
from kehu.sources.rest import RestReader, RestSettings
from kehu.sources.zoho import ZohoReader, ZohoSettings
from kehu.warehouse.runs import open_night
from kehu.warehouse.tokens import MemoryTokens
from tests.fakes.crowd import fill_fxiaoke, fill_rest, fill_zoho
from tests.fakes.exchange import Request
from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.rest import FakeRest
from tests.fakes.server import FakeServer
from tests.fakes.zoho import FakeZoho

DAY = date(2024, 6, 1)
ROWS = 20_000
POSTS = {
    "path": "chats", "records": "data", "key": "id", "changed_at": "updated_at",
    "cursor": {"param": "updated_since"},
    "paging": {
        "style": "cursor", "size_param": "limit", "size": 100, "cursor_path": "next_cursor", "total_path": "total",
    },
}  # fmt: skip


def measure_services(bench: Bench) -> dict:
    """A first load of each service, its pages served again to nobody, and a second night with 1 % changed."""
    return {"zoho_crm": _zoho(bench), "fxiaoke": _fxiaoke(bench), "rest": _rest(bench)}


def _zoho(bench: Bench) -> dict:
    app = FakeZoho()
    ids = fill_zoho(app, contacts=ROWS, accounts=10, leads=0, deals=0, cases=0)["Contacts"]
    with FakeServer(app) as server:
        known = app.credentials
        extra = {"refresh_token": known.refresh_token}
        credentials = Credentials(host=server.url, login=known.client_id, password=known.client_secret, extra=extra)
        settings = ZohoSettings(bulk_from_rows=ROWS + 1)  # listing: bulk read has no pages to compare with
        reader = ZohoReader("bench_zoho", credentials, settings, MemoryTokens())
        return _measure(
            bench, server, reader, "Contacts", "/crm/v8/Contacts",
            lambda: [app.change("Contacts", one, Email=f"{one}@example.org") for one in ids[:: 100]],
        )  # fmt: skip


def _fxiaoke(bench: Bench) -> dict:
    app = FakeFxiaoke(calls=None)
    ids = fill_fxiaoke(app, ROWS, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5)["AccountObj"]
    with FakeServer(app) as server, _no_rate_limit():
        known = app.credentials
        extra = {"permanent_code": known.permanent_code, "open_user_id": known.open_user_id}
        credentials = Credentials(host=server.url, login=known.app_id, password=known.app_secret, extra=extra)
        reader = FxiaokeReader("bench_fxiaoke", credentials, FxiaokeSettings(), MemoryTokens())
        return _measure(
            bench, server, reader, "AccountObj", "/data/query",
            lambda: [app.change("AccountObj", one, tel="010") for one in ids[::100]],
        )  # fmt: skip


def _rest(bench: Bench) -> dict:
    app = FakeRest("bench")
    fill_rest(app, ROWS, ROWS)
    with FakeServer(app) as server:
        settings = RestSettings.model_validate({"auth": "bearer", "entities": {"chats": POSTS}})
        reader = RestReader("bench_rest", Credentials(host=server.url, password="bench"), settings)
        ids = list(app.records("chats"))
        return _measure(
            bench, server, reader, "chats", "/chats",
            lambda: [app.change("chats", one, text="changed") for one in ids[::100]],
        )  # fmt: skip


def _measure(
    bench: Bench, server: FakeServer, reader: RecordReader, entity: str, listing: str, change: Callable[[], list]
) -> dict:
    source = f"bench_{entity.lower()}"

    def night(day: date):
        began = time.perf_counter()
        counts = ingest_records(bench.url, source, entity, reader, open_night(bench.url, day, "bench"))
        return counts, time.perf_counter() - began

    first, seconds = night(DAY)
    served = _serve_again(server, listing)
    changed = len(change())
    second, second_seconds = night(DAY + timedelta(days=1))
    reader.close()
    return {
        "rows": first.rows_out,
        "rows_per_second": round((first.rows_out or 0) / seconds),
        "fake_rows_per_second": round((first.rows_out or 0) / served),
        "share_of_page_rate": round(served / seconds, 2),
        "second_night_1_percent": {
            "rows_changed": changed,
            "rows_read": second.rows_in,
            "rows_landed": second.rows_out,
            "share_of_first_seconds": round(second_seconds / seconds, 3),
        },
    }


def _serve_again(server: FakeServer, listing: str) -> float:
    """Seconds to fetch the connector's own pages once more with nothing done to them."""
    requests = [_again(request, server.url) for request in server.requests_to(listing)]
    with httpx.Client(timeout=30) as client:
        began = time.perf_counter()
        for request in requests:
            client.send(request).raise_for_status()
        return time.perf_counter() - began


def _again(request: Request, url: str) -> httpx.Request:
    params = dict(request.params)
    if "thirdTraceId" in params:
        params["thirdTraceId"] = str(uuid.uuid4())  # one that was seen before is refused
    kept = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
    return httpx.Request(request.method, url + request.path, params=params, headers=kept, content=request.body or None)


@contextmanager
def _no_rate_limit() -> Iterator[None]:
    """The vendor's 100 calls in 20 s would be all there is to measure."""
    before = fxiaoke_api.CALLS_A_WINDOW
    fxiaoke_api.CALLS_A_WINDOW = 1_000_000
    try:
        yield
    finally:
        fxiaoke_api.CALLS_A_WINDOW = before
