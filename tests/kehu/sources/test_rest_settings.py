"""The generic REST reader's settings: who asks, where, and what answers look like."""

from __future__ import annotations

import base64
from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest
import simplejson
from pydantic import ValidationError

from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.rest import RestReader, RestSettings
from tests.kehu.sources.readings import QUICK, records, take

# --- credentials and addresses


def scripted(handler: Callable[[httpx.Request], httpx.Response], **settings) -> RestReader:
    entity = {"path": "rows", "key": "id", **settings.pop("entity", {})}
    made = RestSettings.model_validate({"entities": {"rows": entity}, **settings})
    credentials = Credentials(host="api.example/v1", login="user", password="hush")
    transport = httpx.MockTransport(lambda request: _streamed(handler(request)))
    return RestReader("rest", credentials, made, patience=QUICK, transport=transport)


class Body(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self):
        yield self.content


def _streamed(response: httpx.Response) -> httpx.Response:
    return httpx.Response(response.status_code, headers=response.headers, stream=Body(response.content))


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        ({"auth": "bearer"}, "Authorization", "Bearer hush"),
        ({"auth": "basic"}, "Authorization", "Basic " + base64.b64encode(b"user:hush").decode()),
        ({"auth": "header", "auth_header": "X-Key"}, "X-Key", "hush"),
        ({}, "Authorization", None),
    ],
)
def test_each_way_to_show_who_asks(settings, header, value):
    requests: list[httpx.Request] = []

    def handler(request):
        requests.append(request)
        return httpx.Response(200, json=[{"id": 1}])

    entity = {"params": {"state": "all"}}
    assert set(records(take(scripted(handler, entity=entity, **settings).read("rows", None))[0])) == {"1"}
    assert requests[0].headers.get(header) == value
    assert str(requests[0].url) == "https://api.example/v1/rows?state=all"


@pytest.mark.parametrize("auth", ["bearer", "basic", "header"])
def test_a_connection_without_its_secret(service, auth):
    with pytest.raises(SourceError, match=f"auth {auth} needs"):
        service.reader(password=None, auth=auth)


@pytest.mark.parametrize(("status", "told"), [(401, "credentials"), (403, "credentials"), (404, "path"), (400, "400")])
def test_refusals(status, told):
    reader = scripted(lambda request: httpx.Response(status, text="hush"))
    with pytest.raises(SourceError, match=told) as caught:
        take(reader.read("rows", None))
    assert not isinstance(caught.value, SourceUnavailable)
    assert "hush" not in str(caught.value)


def test_a_wrong_token_is_refused_at_once(service):
    with pytest.raises(SourceError, match="credentials are not accepted"):
        take(service.reader(password="wrong").read("tickets", None))
    assert len(service.server.requests) == 1


def test_a_next_page_on_another_host_is_not_followed():
    hosts: list[str] = []

    def handler(request):
        hosts.append(request.url.host)
        return httpx.Response(200, json=[{"id": 1}], headers={"Link": '<https://evil.example/rows?p=2>; rel="next"'})

    with pytest.raises(SourceError, match="another host"):
        take(scripted(handler, entity={"paging": {"style": "link"}}).read("rows", None))
    assert hosts == ["api.example"]


def test_links_in_the_answer_may_be_relative():
    def handler(request):
        if "p" in request.url.params:
            return httpx.Response(200, json={"rows": [{"id": 2}], "links": {"next": None}})
        return httpx.Response(200, json={"rows": [{"id": 1}], "links": {"next": "/v1/rows?p=2"}})

    entity = {"records": "rows", "paging": {"style": "link", "cursor_path": "links.next"}}
    assert set(records(take(scripted(handler, entity=entity).read("rows", None))[0])) == {"1", "2"}


def test_a_missing_page_after_the_last_is_the_end():
    def handler(request):
        if request.url.params["page"] == "1":
            return httpx.Response(200, json=[{"id": 1}, {"id": 2}])
        return httpx.Response(404)

    entity = {"paging": {"style": "page", "size": 2}}
    assert set(records(take(scripted(handler, entity=entity).read("rows", None))[0])) == {"1", "2"}


def test_rows_after_a_short_page_are_not_trusted():
    def handler(request):
        page = int(request.url.params["page"])
        return httpx.Response(200, json=[{"id": page}] if page < 3 else [])

    with pytest.raises(SourceUnavailable, match="rows after a short page"):
        take(scripted(handler, entity={"paging": {"style": "page", "size": 2}}).read("rows", None))


def test_fewer_rows_than_announced_are_asked_for_again():
    answers = [[{"id": 1}], [{"id": 1}, {"id": 2}]]

    def handler(request):
        return httpx.Response(200, json={"n": 2, "rows": answers.pop(0)})

    entity = {"records": "rows", "paging": {"total_path": "n"}}
    assert set(records(take(scripted(handler, entity=entity).read("rows", None))[0])) == {"1", "2"}


def test_records_without_a_key_or_a_list_are_refused():
    for content in ([{"name": "x"}], {"error": "busy"}, [1]):
        with pytest.raises(SourceUnavailable, match="without"):
            take(scripted(lambda request, content=content: httpx.Response(200, json=content)).read("rows", None))


def test_keys_of_several_fields_decimals_and_deletions():
    rows = b'[{"a": {"b": 1}, "c": "x", "amount": 1.10, "gone": false}, {"a": {"b": 1}, "c": "y", "gone": true}]'
    entity = {"key": ["a.b", "c"], "deleted": "gone"}
    versions, _ = take(scripted(lambda request: httpx.Response(200, content=rows), entity=entity).read("rows", None))
    assert [(one.record_id, one.is_deleted) for one in versions] == [('["1","x"]', False), ('["1","y"]', True)]
    assert simplejson.loads(versions[0].record, use_decimal=True)["amount"] == Decimal("1.10")
    assert '"amount":1.10' in versions[0].record


@pytest.mark.parametrize(
    ("form", "value"), [("iso", None), ("seconds", "1767195900"), ("milliseconds", "1767195900000")]
)
def test_the_cursor_is_written_as_the_source_wants_it(form, value):
    asked: list[str] = []

    def handler(request):
        asked.append(request.url.params["since"])
        return httpx.Response(200, json=[{"id": 1, "at": 1767196800000}])

    cursor = {"param": "since", "field": "at", "lag_minutes": 15, "format": form}
    state = {"changed": "2025-12-31T16:00:00+00:00"}
    _, outcome = take(scripted(handler, entity={"cursor": cursor}).read("rows", state))
    assert asked == [value or "2025-12-31T15:45:00+00:00"]
    assert outcome.state == state


@pytest.mark.parametrize(
    "entity",
    [
        {"path": "https://other.example/rows", "key": "id"},
        {"path": "rows?x=1", "key": "id"},
        {"path": "rows", "key": []},
        {"path": "rows", "key": "id", "cursor": {"param": "since"}},
        {"path": "rows", "key": "id", "paging": {"style": "cursor"}},
        {"path": "rows", "key": "id", "page": {}},
    ],
)
def test_settings_that_do_not_fit(entity):
    with pytest.raises(ValidationError):
        RestSettings.model_validate({"entities": {"rows": entity}})


def test_an_unknown_entity(service):
    with pytest.raises(SourceError, match="no such entity"):
        take(service.reader().read("nonsense", None))
