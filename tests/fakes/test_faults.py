"""Each of the twelve faults, as a client without any defence meets it."""

from __future__ import annotations

import gzip
import time

import httpx
import pytest

from tests.fakes.callers import CONTACTS, QUERY, FxiaokeCaller, ZohoCaller
from tests.fakes.crowd import fill_fxiaoke, fill_rest, fill_zoho
from tests.fakes.faults import Fault
from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.rest import FakeRest
from tests.fakes.server import FakeServer
from tests.fakes.zoho import FakeZoho


@pytest.fixture(scope="module")
def running():
    app = FakeZoho()
    fill_zoho(app, contacts=650, accounts=5, leads=0, deals=0, cases=0)
    with FakeServer(app) as server:
        yield server, ZohoCaller(app, server.url)
    assert not server.errors


@pytest.fixture
def server(running: tuple):
    running[0].faults.reset()
    running[1].app.tokens = FakeZoho().tokens
    running[1].login()
    return running[0]


@pytest.fixture
def zoho(server: FakeServer, running: tuple) -> ZohoCaller:
    return running[1]


def test_a_fault_spares_the_first_and_the_token_and_ends(server: FakeServer, zoho: ZohoCaller):
    plan = server.faults.plan(Fault.SERVER_ERROR, after=2, times=2, path="Contacts")
    assert zoho.mint().status_code == 200
    statuses = [zoho.get(CONTACTS, fields="Email").status_code for _ in range(5)]
    assert statuses == [200, 200, 503, 503, 200]
    assert (plan.hits, server.faults.hits, server.faults.hits_of(Fault.HTML)) == (2, 2, 0)
    server.faults.plan(Fault.SERVER_ERROR, times=None, token_requests=True)
    assert [zoho.mint().status_code for _ in range(3)] == [503] * 3
    assert zoho.get("/crm/v8/Accounts", fields="Phone").status_code == 200
    server.faults.reset()
    assert server.faults.hits == 0
    assert len(server.requests_to("/oauth/")) >= 4


@pytest.mark.parametrize("retry_after", [None, 3])
def test_too_many_requests(server: FakeServer, zoho: ZohoCaller, retry_after: float | None):
    server.faults.plan(Fault.TOO_MANY_REQUESTS, retry_after=retry_after)
    answer = zoho.get(CONTACTS, fields="Email")
    assert answer.status_code == 429
    assert answer.headers.get("Retry-After") == (None if retry_after is None else "3")


def test_time_out(server: FakeServer, zoho: ZohoCaller):
    server.faults.plan(Fault.TIME_OUT, seconds=5)
    zoho.http.timeout = 0.2
    with pytest.raises(httpx.ReadTimeout):
        zoho.get(CONTACTS, fields="Email")
    zoho.http.timeout = 1.0
    server.faults.plan(Fault.TIME_OUT, seconds=0.1)
    with pytest.raises(httpx.RemoteProtocolError):
        zoho.get(CONTACTS, fields="Email")


@pytest.mark.parametrize("within_body", [False, True])
def test_reset(server: FakeServer, zoho: ZohoCaller, within_body: bool):
    server.faults.plan(Fault.RESET, within_body=within_body)
    with pytest.raises(httpx.ReadError, match="reset"):
        zoho.get(CONTACTS, fields="Email")
    assert zoho.get(CONTACTS, fields="Email").status_code == 200


def test_truncated_page(server: FakeServer, zoho: ZohoCaller):
    server.faults.plan(Fault.TRUNCATED_PAGE)
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        zoho.get(CONTACTS, fields="Email")


def test_repeated_page(server: FakeServer, zoho: ZohoCaller):
    plan = server.faults.plan(Fault.REPEATED_PAGE, path="Contacts")
    # Other fields, another listing: there is nothing of this one yet to repeat.
    first = zoho.page(fields="Phone")
    assert plan.hits == 0
    assert zoho.page(fields="Phone", page=2) == first
    assert zoho.page(fields="Phone", page=3)["info"]["page"] == 3


@pytest.mark.parametrize("fresh", [False, True])
def test_cursor_loop(server: FakeServer, zoho: ZohoCaller, fresh: bool):
    plan = server.faults.plan(Fault.CURSOR_LOOP, times=None, fresh_cursors=fresh)
    page, firsts, tokens = zoho.page(), [], []
    for _ in range(6):
        tokens.append(page["info"]["next_page_token"])
        page = zoho.page(page_token=tokens[-1])
        firsts.append(page["data"][0]["id"])
    assert plan.hits == 7
    assert len(set(firsts)) == 2
    assert len(set(tokens[1::2])) == (3 if fresh else 1)
    server.faults.reset()
    assert len(zoho.all_ids()) == 650


def test_token_expired(server: FakeServer, zoho: ZohoCaller):
    server.faults.plan(Fault.TOKEN_EXPIRED, after=1)
    codes = [zoho.get(CONTACTS, fields="Email").status_code for _ in range(3)]
    assert codes == [200, 401, 401]
    assert zoho.login().get(CONTACTS, fields="Email").status_code == 200


def test_html_and_nothing(server: FakeServer, zoho: ZohoCaller):
    server.faults.plan(Fault.HTML)
    answer = zoho.get(CONTACTS, fields="Email")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    server.faults.plan(Fault.EMPTY)
    answer = zoho.get(CONTACTS, fields="Email")
    assert (answer.status_code, answer.content) == (200, b"")


def test_cut_gzip(server: FakeServer, zoho: ZohoCaller):
    server.faults.plan(Fault.CUT_GZIP)
    with zoho.http.stream("GET", zoho.url + CONTACTS, params={"fields": "Email"}, headers=zoho.headers) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(packed) == int(answer.headers["Content-Length"])
    with pytest.raises(EOFError):
        gzip.decompress(packed)
    time.sleep(0.1)
    assert not answer.extensions["network_stream"].get_extra_info("is_readable"), "the connection was closed"


def test_slow_drip(server: FakeServer, zoho: ZohoCaller):
    server.faults.plan(Fault.SLOW_DRIP, pause=0.02)
    started, read = time.monotonic(), 0
    with zoho.http.stream("GET", zoho.url + CONTACTS, params={"fields": "Email"}, headers=zoho.headers) as answer:
        for piece in answer.iter_raw():
            read += len(piece)
            if time.monotonic() - started > 0.3:
                break
    assert 3 < read < 30


def test_a_stopped_server_frees_those_who_wait():
    fake = FakeServer(FakeRest()).start()
    fake.faults.plan(Fault.TIME_OUT, seconds=60)
    with httpx.Client(timeout=10) as http, pytest.raises(httpx.TimeoutException):
        http.get(fake.url, timeout=0.2)
    started = time.monotonic()
    fake.stop()
    assert time.monotonic() - started < 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(fake.url)


def test_faults_of_fxiaoke_in_its_own_words():
    app = FakeFxiaoke()
    fill_fxiaoke(app, 250, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    with FakeServer(app) as server:
        caller = FxiaokeCaller(app, server.url).login()
        first = caller.query()["data"]["dataList"]
        beyond = [{"field_name": "_id", "operator": "GT", "field_values": [first[-1]["_id"]]}]
        server.faults.plan(Fault.CURSOR_LOOP, times=2)
        assert caller.query(filters=beyond)["data"]["dataList"] == first
        assert caller.query(offset=100)["data"]["dataList"] == first
        second = caller.query(filters=beyond)["data"]["dataList"]
        assert second[0]["_id"] > first[-1]["_id"]
        server.faults.plan(Fault.REPEATED_PAGE)
        assert caller.query(offset=200)["data"]["dataList"] == second
        server.faults.plan(Fault.TOKEN_EXPIRED, path=QUERY)
        assert [caller.query()["errorCode"] for _ in range(2)] == [20016, 20016]
        assert caller.login().query()["errorCode"] == 0
        assert not server.errors


@pytest.mark.parametrize("name", ["tickets", "calls", "chats", "posts"])
def test_faults_of_rest_in_every_style(name: str):
    app = FakeRest("secret")
    fill_rest(app, 120)
    with FakeServer(app) as server, httpx.Client(headers={"Authorization": "Bearer secret"}) as http:
        server.faults.plan(Fault.CURSOR_LOOP, times=3)
        url, seen = f"{server.url}/{name}", []
        places = iter(({}, {"page": 2, "offset": 50}, {"page": 3, "offset": 100}))
        params = next(places)
        for _ in range(3):
            answer = http.get(url, params=params or None)
            body = answer.json()
            seen.append(body["items" if name == "calls" else "data"][0]["id"])
            url = answer.links["next"]["url"] if name == "posts" else url
            params = {"cursor": body["next_cursor"]} if name == "chats" else {} if name == "posts" else next(places, {})
        assert seen[0] == seen[2]
        server.faults.plan(Fault.TOKEN_EXPIRED)
        assert [http.get(f"{server.url}/{name}").status_code for _ in range(2)] == [401, 200]
        assert not server.errors
