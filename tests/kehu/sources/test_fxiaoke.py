"""The Fxiaoke reader against a fake tenant: by keyset, with its own fields, within its limits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import psycopg
import pytest
import simplejson
from pydantic import ValidationError

from kehu.sources import fxiaoke_api
from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.fxiaoke import OBJECTS, FxiaokeReader, FxiaokeSettings
from kehu.sources.http import Patience
from kehu.warehouse.quota import DailyCalls
from kehu.warehouse.tokens import MemoryTokens, WarehouseTokens
from tests.fakes.crowd import fill_fxiaoke
from tests.fakes.exchange import Answer, Request
from tests.fakes.faults import Fault
from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.limits import MovableClock
from tests.fakes.server import FakeServer

QUICK = Patience(attempts=4, first_wait_seconds=0.001, longest_wait_seconds=0.002, read_seconds=0.4, answer_seconds=0.8)
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


class Memory:
    """A day's count without a warehouse."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, day, n: int) -> int:
        self.count += n
        return self.count

    def used(self, day) -> int:
        return self.count


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


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(fxiaoke_api, "CALLS_A_WINDOW", 100_000)


@pytest.fixture
def clock():
    return MovableClock(datetime.now(timezone.utc).replace(microsecond=0))


@pytest.fixture
def tenant_with(clock):
    made: list[Tenant] = []

    def make(counts=FEW, **options) -> Tenant:
        made.append(Tenant(clock, **options))
        fill_fxiaoke(made[-1].app, *counts)
        return made[-1]

    yield make
    for tenant in made:
        tenant.close()
        assert not tenant.server.errors


@pytest.fixture
def tenant(tenant_with):
    return tenant_with()


def take(pages):
    """All versions of a reading, and its outcome."""
    versions = []
    while True:
        try:
            versions += next(pages)
        except StopIteration as stop:
            return versions, stop.value


def records(versions) -> dict[str, dict]:
    """The living versions, each exactly once."""
    living = [one for one in versions if not one.is_deleted]
    by_id = {one.record_id: simplejson.loads(one.record, use_decimal=True) for one in living}
    assert len(by_id) == len(living)
    return by_id


# --- whole


@pytest.mark.parametrize("name", [*OBJECTS, "object_visit__c"])
def test_every_row_with_every_field(tenant, name):
    versions, outcome = take(tenant.reader().read(name, None))
    assert records(versions) == tenant.expected(name)
    assert outcome.is_complete
    newest = max(row["last_modified_time"] for row in tenant.expected(name).values())
    assert datetime.fromisoformat(outcome.state["modified"]).timestamp() * 1000 == newest
    changed = {one.record_id: one.changed_at.timestamp() * 1000 for one in versions}
    assert changed == {key: row["last_modified_time"] for key, row in tenant.expected(name).items()}


def test_fields_are_the_tenants_own(tenant):
    tenant.app.define("object_loyalty__c", "name text!, points__c number, colour__c text")
    tenant.app.add("object_loyalty__c", {"name": "A", "points__c": 5, "colour__c": "red"})
    versions, _ = take(tenant.reader().read("object_loyalty__c", None))
    (row,) = records(versions).values()
    assert (row["points__c"], row["colour__c"]) == ("5", "red")


def test_beyond_the_largest_offset(tenant_with):
    tenant = tenant_with((10_250, *FEW[1:]))
    versions, _ = take(tenant.reader().read("AccountObj", None))
    assert records(versions) == tenant.expected()
    offsets = {request.json["data"]["search_query_info"]["offset"] for request in tenant.server.requests_to(QUERY)}
    assert offsets == {0}


@pytest.mark.parametrize("envelope", ["data", "result"])
@pytest.mark.parametrize("total_name", ["total", "totalSize"])
def test_both_envelopes(tenant_with, envelope, total_name):
    tenant = tenant_with(envelope=envelope, total_name=total_name)
    reader = tenant.reader()
    assert records(take(reader.read("AccountObj", None))[0]) == tenant.expected()
    assert reader.count("AccountObj") == 350


def test_without_a_total_the_last_page_is_an_empty_one(tenant_with):
    tenant = tenant_with(total_name="untold")
    assert records(take(tenant.reader().read("AccountObj", None))[0]) == tenant.expected()
    assert tenant.reader().count("AccountObj") is None


def test_an_empty_object(tenant):
    tenant.app.define("object_empty__c", "name text!")
    versions, outcome = take(tenant.reader().read("object_empty__c", None))
    assert (versions, outcome.state, outcome.is_complete) == ([], {"modified": None}, True)


# --- changes since


def test_only_what_changed_since(tenant, clock):
    reader = tenant.reader()
    _, first = take(reader.read("AccountObj", None))
    clock.advance(3600)
    tenant.app.revoke_tokens()
    changed = next(iter(tenant.expected()))
    tenant.app.change("AccountObj", changed, name="New name")
    versions, second = take(reader.read("AccountObj", first.state))
    assert records(versions)[changed] == tenant.expected()[changed]
    assert len(versions) < 350
    assert not second.is_complete
    assert datetime.fromisoformat(second.state["modified"]) == clock.now
    versions, third = take(reader.read("AccountObj", second.state))
    assert set(records(versions)) == {changed}  # within the lag
    assert third.state == second.state


def test_a_row_that_changes_behind_the_page_is_read_next_time(tenant, clock):
    """Later rows of the same reading are newer than it: the state must not pass over it."""
    early, late = min(tenant.expected()), max(tenant.expected())

    def meddle():
        clock.advance(1800)
        tenant.app.change("AccountObj", early, name="Changed behind the page")
        clock.advance(1800)
        tenant.app.change("AccountObj", late, name="Changed ahead of it")

    tenant.app.meddle[4] = meddle  # the first asks for the newest change, the second and third are pages
    reader = tenant.reader()
    versions, first = take(reader.read("AccountObj", None))
    assert records(versions)[late]["name"] == "Changed ahead of it"
    assert records(versions)[early]["name"] != "Changed behind the page"
    versions, _ = take(reader.read("AccountObj", first.state))
    assert records(versions)[early]["name"] == "Changed behind the page"


def test_rows_that_go_or_come_while_paging(tenant):
    ids = sorted(tenant.expected())
    tenant.app.meddle[3] = lambda: [tenant.app.invalidate("AccountObj", key) for key in [*ids[:3], ids[-1]]]
    versions, _ = take(tenant.reader().read("AccountObj", None))
    assert set(records(versions)) == set(ids[:-1])


@pytest.mark.parametrize("shows_invalid", [True, False])
def test_invalid_rows_are_deletions_where_they_show(tenant_with, clock, shows_invalid):
    tenant = tenant_with(shows_invalid=shows_invalid)
    reader = tenant.reader()
    _, first = take(reader.read("AccountObj", None))
    clock.advance(3600)
    tenant.app.revoke_tokens()
    gone, *_ = sorted(tenant.expected())
    tenant.app.invalidate("AccountObj", gone)
    versions, second = take(reader.read("AccountObj", first.state))
    dead = [one for one in versions if one.is_deleted]
    assert [one.record_id for one in dead] == ([gone] if shows_invalid else [])
    if dead:
        assert set(simplejson.loads(dead[0].record)) == {"_id", "is_deleted", "life_status", "last_modified_time"}
        assert dead[0].changed_at == clock.now
    assert reader.count("AccountObj") == 349
    assert {key for page in reader.keys("AccountObj") for key in page} == set(tenant.expected())
    clock.advance(3600)
    tenant.app.revoke_tokens()
    tenant.app.recover("AccountObj", gone)
    versions, _ = take(reader.read("AccountObj", second.state))
    assert gone in records(versions)
    tenant.app.invalidate("AccountObj", gone)
    tenant.app.remove("AccountObj", gone)
    assert (reader.count("AccountObj"), take(reader.fetch("AccountObj", [gone]))[0]) == (349, [])


# --- keys, fetch, count


def test_keys_fetch_and_count(tenant):
    reader = tenant.reader()
    assert sorted(key for page in reader.keys("AccountObj") for key in page) == sorted(tenant.expected())
    wanted = sorted(tenant.expected())[:250]
    fetched, _ = take(reader.fetch("AccountObj", [*wanted, "none"]))
    assert records(fetched) == {key: tenant.expected()[key] for key in wanted}
    assert reader.count("AccountObj") == 350
    assert set(simplejson.loads(simplejson.dumps(tenant.server.requests_to(QUERY)[0].json))) == {"data"}


# --- tokens


@pytest.mark.parametrize(("style", "extra"), [("oauth2", {}), ("corp", {}), ("corp", {"open_user_id": None})])
def test_both_styles_of_tokens(tenant, style, extra):
    credentials = tenant.credentials(mobile=tenant.app.credentials.mobile, **extra)
    reader = tenant.reader(credentials=credentials, style=style)
    assert records(take(reader.read("AccountObj", None))[0]) == tenant.expected()
    assert tenant.mints() == 1


@pytest.mark.parametrize("style", ["oauth2", "corp"])
def test_one_token_for_all_tasks(tenant, url, style):
    for _ in range(3):
        take(tenant.reader(WarehouseTokens(url), style=style).read("CasesObj", None))
    assert tenant.mints() == 1


def test_a_token_refused_in_mid_run_is_renewed_once_for_all(tenant, url):
    one, other = (tenant.reader(WarehouseTokens(url)) for _ in range(2))
    pages = [one.read("AccountObj", None), other.read("AccountObj", None)]
    begun = [[*next(reading)] for reading in pages]
    tenant.app.revoke_tokens()
    for versions, reading in zip(begun, pages, strict=True):
        assert records([*versions, *take(reading)[0]]) == tenant.expected()
    assert tenant.mints() == 2


def test_a_token_that_is_always_refused(tenant):
    tenant.app.fail_with(20016, times=99, path=QUERY)
    with pytest.raises(SourceUnavailable, match="fresh token was refused"):
        tenant.reader().count("AccountObj")
    assert (tenant.mints(), len(tenant.server.requests_to(QUERY))) == (2, 2)


def test_a_bad_secret(tenant):
    known = tenant.credentials()
    wrong = Credentials(host=known.host, login=known.login, password="hush", extra=known.extra)
    with pytest.raises(SourceError, match="app secret or permanent code is not accepted") as caught:
        tenant.reader(credentials=wrong).count("AccountObj")
    assert not isinstance(caught.value, SourceUnavailable)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("style", "missing"),
    [("oauth2", "login"), ("oauth2", "password"), ("corp", "permanent_code"), ("oauth2", "open_user_id")],
)
def test_a_connection_without_its_secrets(tenant, style, missing):
    known = tenant.credentials()
    parts = {"login": known.login, "password": known.password, "extra": dict(known.extra)}
    (parts["extra"] if missing in known.extra else parts).update({missing: None})
    with pytest.raises(SourceError, match="the connection: it needs"):
        tenant.reader(credentials=Credentials(host=known.host, **parts), style=style).count("AccountObj")


def test_an_unknown_mobile_number(tenant):
    credentials = tenant.credentials(mobile="1", open_user_id=None)
    with pytest.raises(SourceError, match="belongs to no user"):
        tenant.reader(credentials=credentials, style="corp").count("AccountObj")


# --- codes and limits


@pytest.mark.parametrize("code", [-1, 14001, 30004, 50009])
def test_codes_that_pass(tenant, code):
    tenant.app.fail_with(code, times=2, path=QUERY, after=2)
    assert records(take(tenant.reader().read("AccountObj", None))[0]) == tenant.expected()
    tenant.app.fail_with(code, times=99, path=QUERY)
    with pytest.raises(SourceUnavailable, match=f"errorCode {code}"):
        tenant.reader().count("AccountObj")


@pytest.mark.parametrize("code", [10006, 10013, 15003, 20014, 20020, 32000])
def test_codes_that_last(tenant, code):
    tenant.app.fail_with(code, times=99, path=QUERY)
    with pytest.raises(SourceError, match=f"errorCode {code}") as caught:
        tenant.reader().count("AccountObj")
    assert not isinstance(caught.value, SourceUnavailable)
    assert len(tenant.server.requests_to(QUERY)) == 1


@pytest.mark.parametrize(("daily_calls", "code"), [(4, 30002), (0, 30003)])
def test_a_used_up_quota_is_not_hammered(tenant, daily_calls, code):
    tenant.app.daily_calls = daily_calls
    with pytest.raises(SourceUnavailable, match=f"quota.*{code}"):
        take(tenant.reader().read("AccountObj", None))
    assert len(tenant.server.requests) == 1 + daily_calls + 1


def test_reading_stops_before_the_budget_is_exceeded(tenant, url):
    with pytest.raises(SourceUnavailable, match="the 5 calls that are allowed a day are used"):
        take(tenant.reader(budget=DailyCalls(url, "fx"), daily_calls=5).read("AccountObj", None))
    assert len(tenant.server.requests) == 5
    with pytest.raises(SourceUnavailable, match="the 5 calls"):
        tenant.reader(budget=DailyCalls(url, "fx"), daily_calls=5).count("AccountObj")
    assert len(tenant.server.requests) == 5
    with psycopg.connect(url) as connection:
        assert connection.execute("select source, count_calls from ops.api_calls").fetchall() == [("fx", 5)]


def test_second_tries_count_too(tenant):
    budget = Memory()
    tenant.app.fail_with(-1, times=2, path=QUERY)
    reader = tenant.reader(budget=budget)
    reader.count("AccountObj")
    assert budget.count == reader.count_calls == len(tenant.server.requests) == 1 + 3


def test_calls_keep_to_the_rate_of_each_interface(tenant, monkeypatch):
    monkeypatch.setattr(fxiaoke_api, "CALLS_A_WINDOW", 2)
    monkeypatch.setattr(fxiaoke_api, "WINDOW_SECONDS", 0.3)
    reader = tenant.reader()
    begun = datetime.now(timezone.utc)
    for _ in range(5):
        reader.count("AccountObj")
    assert datetime.now(timezone.utc) - begun >= timedelta(seconds=0.6)


def test_each_try_has_a_trace_of_its_own(tenant):
    tenant.app.fail_with(-1, times=3, path=QUERY)
    tenant.reader().count("AccountObj")
    traces = [request.params["thirdTraceId"] for request in tenant.server.requests]
    assert len(set(traces)) == len(traces) == 5


def test_ids_that_do_not_rise_are_refused(tenant, monkeypatch):
    monkeypatch.setattr("tests.fakes.fxiaoke_query.Selection.start", lambda self, bounds: 0)
    with pytest.raises(SourceUnavailable, match="do not follow"):
        take(tenant.reader().read("AccountObj", None))


# --- faults


@pytest.mark.parametrize("within_body", [False, True])
@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("fault", list(Fault))
def test_each_fault_within_a_listing(tenant, fault, after, within_body):
    """Keyset paging takes no cursor from the answer, so that each fault that passes is survived."""
    plan = tenant.server.faults.plan(fault, after=after, path=QUERY, within_body=within_body)
    versions, _ = take(tenant.reader().read("AccountObj", None))
    assert records(versions) == tenant.expected()
    assert plan.hits == 1


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.TOKEN_EXPIRED}, key=str))
def test_each_fault_that_lasts_ends_the_reading(tenant, fault):
    plan = tenant.server.faults.plan(fault, after=2, times=None, path=QUERY)
    with pytest.raises(SourceUnavailable, match=f"^fx: {QUERY}: "):
        take(tenant.reader().read("AccountObj", None))
    assert plan.hits <= QUICK.attempts


@pytest.mark.parametrize("fault", [Fault.TOO_MANY_REQUESTS, Fault.SERVER_ERROR, Fault.HTML, Fault.EMPTY, Fault.RESET])
def test_faults_of_the_token_endpoint(tenant, fault):
    tenant.server.faults.plan(fault, token_requests=True)
    assert tenant.reader().count("AccountObj") == 350


# --- settings


def test_settings():
    assert len(FxiaokeSettings().objects) == 13
    with pytest.raises(ValidationError):
        FxiaokeSettings(page_size=101)
    with pytest.raises(ValidationError):
        FxiaokeSettings(object=["AccountObj"])


def test_the_constructor_makes_no_call(tenant):
    tenant.reader(credentials=Credentials(host=tenant.server.url))
    assert tenant.server.requests == []
    with pytest.raises(SourceError, match="https only"):
        tenant.reader(credentials=Credentials(host="http://open.fxiaoke.com"))
