"""The HTTP layer: every passing fault is tried again, every lasting one has a name, and no secret is told."""

from __future__ import annotations

import gzip
import logging
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal

import httpx
import pytest

from kehu.sources.contract import SourceError, SourceUnavailable
from kehu.sources.http import Http, Patience, TransientError, base_url
from kehu.sources.values import instant, instant_of_milliseconds, json_text, milliseconds, parse_json

QUICK = Patience(attempts=4, total_seconds=20, first_wait_seconds=0.001, longest_wait_seconds=0.002, answer_seconds=0.5)
SECRET = "".join(["hu", "sh"])  # not in one piece in this file, whose lines tracebacks quote
GOOD = {"rows": [1, 2]}
URL = "https://crm.example/v1/rows"


class Raised(httpx.SyncByteStream):
    """A body that ends in an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"rows": ['
        raise self.error


class Pieces(httpx.SyncByteStream):
    """A body in pieces, each after something happened."""

    def __init__(self, pieces: list[bytes], before: Callable[[], None] = lambda: None) -> None:
        self.pieces, self.before = pieces, before

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.before()
            yield piece


class Script:
    """Answers in order; the last is repeated."""

    def __init__(self, *answers: httpx.Response | Exception | Callable[[], httpx.Response]) -> None:
        self.answers, self.requests = list(answers), []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        made = answer() if callable(answer) else answer
        if made.is_closed:
            return httpx.Response(made.status_code, headers=made.headers, stream=Pieces([made.content]))
        return made


def client(script: Script, patience: Patience = QUICK, **options) -> Http:
    return Http("crm", "https://crm.example", patience, transport=httpx.MockTransport(script), **options)


def good() -> httpx.Response:
    return httpx.Response(200, stream=Pieces([b'{"rows": [1,', b" 2]}"]))


def cut_gzip(**headers) -> httpx.Response:
    packed = gzip.compress(b'{"rows": [1, 2]}')[:-6]
    return httpx.Response(200, stream=Pieces([packed]), headers={"Content-Encoding": "gzip"})


def slow_drip() -> httpx.Response:
    import time

    body = [b" "] * 100
    return httpx.Response(200, stream=Pieces(body, lambda: time.sleep(0.05)))


FAULTS = {
    "429": httpx.Response(429),
    "429 with Retry-After": httpx.Response(429, headers={"Retry-After": "0"}),
    "429 with a date": httpx.Response(429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    "500": httpx.Response(500),
    "503": httpx.Response(503, text="<html>"),
    "time-out": httpx.ReadTimeout(SECRET),
    "connect time-out": httpx.ConnectTimeout(SECRET),
    "reset": httpx.ReadError(SECRET),
    "no connection": httpx.ConnectError(SECRET),
    "truncated": lambda: httpx.Response(200, stream=Raised(httpx.RemoteProtocolError(SECRET))),
    "reset in the body": lambda: httpx.Response(200, stream=Raised(httpx.ReadError(SECRET))),
    "cut JSON": httpx.Response(200, content=b'{"rows": [1,'),
    "HTML": httpx.Response(200, html=f"<html>{SECRET}</html>"),
    "empty": httpx.Response(200, content=b""),
    "blank": httpx.Response(200, content=b" \n"),
    "not UTF-8": httpx.Response(200, content=b'{"rows": "\xff"}'),
    "NaN": httpx.Response(200, content=b'{"rows": NaN}'),
    "cut gzip": cut_gzip,
    "not gzip": lambda: httpx.Response(200, stream=Pieces([b"{}"]), headers={"Content-Encoding": "gzip"}),
    "unasked encoding": lambda: httpx.Response(200, stream=Pieces([b"{}"]), headers={"Content-Encoding": "br"}),
    "slow drip": slow_drip,
    "redirect": httpx.Response(302, headers={"Location": f"https://login.example/?token={SECRET}"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_is_survived(fault):
    script = Script(FAULTS[fault], good)
    http = client(script)
    assert http.request("GET", "v1/rows").json == GOOD
    assert http.count_calls == len(script.requests) == 2


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"slow drip"}))
def test_a_fault_that_lasts_is_named_without_secrets(fault, caplog):
    caplog.set_level(logging.DEBUG)
    http = client(Script(FAULTS[fault]))
    with pytest.raises(SourceUnavailable) as caught:
        http.request("GET", URL, params={"token": SECRET}, headers={"Authorization": f"Bearer {SECRET}"})
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert str(caught.value).startswith("crm: /v1/rows: ")
    assert SECRET not in told
    assert http.count_calls == QUICK.attempts


def test_gzip_in_pieces_is_unpacked():
    packed = gzip.compress(b'{"rows": [1, 2]}')
    body = Pieces([packed[i : i + 3] for i in range(0, len(packed), 3)])
    script = Script(lambda: httpx.Response(200, stream=body, headers={"Content-Encoding": "gzip"}))
    assert client(script).request("GET", "v1/rows").json == GOOD
    assert script.requests[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_is_legal(status):
    answer = client(Script(httpx.Response(status))).request("GET", "v1/rows")
    assert (answer.status, answer.json) == (status, None)


@pytest.mark.parametrize(("content", "json"), [(b'{"code": "NO"}', {"code": "NO"}), (b"<html>", None), (b"", None)])
def test_4xx_is_handed_back_at_once(content, json):
    http = client(Script(httpx.Response(403, content=content)))
    answer = http.request("GET", "v1/rows")
    assert (answer.status, answer.json, http.count_calls) == (403, json, 1)


def test_retry_after_is_honoured_up_to_a_limit():
    waits: list[float] = []
    script = Script(
        httpx.Response(429, headers={"Retry-After": "3"}), httpx.Response(429, headers={"Retry-After": "9999"}), good
    )
    patience = Patience(attempts=4, longest_retry_after_seconds=7)
    assert client(script, patience, sleep=waits.append).request("GET", "v1/rows").json == GOOD
    assert waits == [3, 7]


def test_waits_grow_and_are_random():
    firsts, fifths = [], []
    for _ in range(40):
        waits: list[float] = []
        with pytest.raises(SourceUnavailable):
            client(Script(httpx.Response(500)), Patience(attempts=6), sleep=waits.append).request("GET", "v1/rows")
        firsts.append(waits[0])
        fifths.append(waits[4])
    assert len(set(firsts)) == 40
    assert max(firsts) <= 1 < max(fifths) <= 16


def test_the_total_time_ends_the_tries():
    http = client(Script(httpx.Response(429, headers={"Retry-After": "2"})), Patience(attempts=99, total_seconds=1))
    with pytest.raises(SourceUnavailable):
        http.request("GET", "v1/rows")
    assert http.count_calls == 1


def test_the_vendor_may_refuse_an_answer():
    def refused(answer):
        if "error" in answer.json:
            raise TransientError("busy")

    script = Script(httpx.Response(200, json={"error": 1}), good)
    assert client(script).request("GET", "v1/rows", refused=refused).json == GOOD
    with pytest.raises(SourceUnavailable, match="crm: /v1/rows: busy"):
        client(Script(httpx.Response(200, json={"error": 1}))).request("GET", "v1/rows", refused=refused)


def test_parameters_may_be_fresh_for_each_try():
    numbers = iter(range(9))
    script = Script(httpx.Response(500), good)
    client(script).request("POST", "v1/rows", params=lambda: {"trace": next(numbers)})
    assert [request.url.params["trace"] for request in script.requests] == ["0", "1"]


def test_before_is_asked_ahead_of_each_try_and_may_stop_them():
    asked: list[str] = []

    def before(path: str) -> None:
        asked.append(path)
        if len(asked) == 3:
            raise SourceUnavailable("crm", path, "enough")

    script = Script(httpx.Response(500))
    with pytest.raises(SourceUnavailable, match="enough"):
        client(script, before=before).request("GET", "v1/rows?page=1")
    assert asked == ["/v1/rows"] * 3
    assert len(script.requests) == 2


def test_a_file_is_handed_on_open_and_an_error_beside_it_as_json():
    http = client(Script(httpx.Response(200, content=b"PK..."), httpx.Response(404, json={"code": "GONE"})))
    with http.request("GET", "v1/file", expect="file").file as file:
        assert file.read() == b"PK..."
    assert http.request("GET", "v1/file", expect="file").json == {"code": "GONE"}
    assert client(Script(httpx.Response(200, content=b"ab"))).request("GET", "x", expect="bytes").content == b"ab"


def test_a_request_that_cannot_be_made_quotes_nothing():
    with pytest.raises(SourceError) as caught:
        client(Script(httpx.LocalProtocolError(f"Illegal header value {SECRET}"))).request("GET", "v1/rows")
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert not isinstance(caught.value, SourceUnavailable)


def test_json_keeps_its_decimals():
    text = '{"a":1.10,"b":12345678901234567890.123456789,"c":1E+2,"d":7,"e":"客户","f":"\\ud800","g":"\\u0000"}'
    value = parse_json(text.encode())
    assert value["a"] == Decimal("1.10")
    assert json_text(value) == text
    json_text(value).encode("utf-8")
    assert json_text({"b": 1, "a": None}) == '{"a":null,"b":1}'


def test_instants():
    assert instant("2026-01-01T08:00:00+08:00") == instant("2026-01-01T00:00:00Z") == instant("2026-01-01T00:00:00")
    assert instant("yesterday") is None and instant(5) is None and instant(None) is None
    moment = instant_of_milliseconds("1767196800123")
    assert milliseconds(moment) == 1767196800123
    assert instant_of_milliseconds(None) is None and instant_of_milliseconds("x") is None
    assert instant_of_milliseconds(10**30) is None


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("crm.example", None, "https://crm.example"),
        ("crm.example", 8443, "https://crm.example:8443"),
        ("https://crm.example:1/api/", 2, "https://crm.example:1/api"),
        ("http://127.0.0.1:80", None, "http://127.0.0.1:80"),
        ("http://localhost", 99, "http://localhost:99"),
    ],
)
def test_addresses_of_connections(host, port, url):
    assert base_url("crm", host, port) == url


@pytest.mark.parametrize("host", [None, "", "http://crm.example", "ftp://crm.example", "https://a:b@c.example", "x:y"])
def test_addresses_that_are_refused(host):
    with pytest.raises(SourceError) as caught:
        base_url("crm", host)
    assert "example" not in str(caught.value)
