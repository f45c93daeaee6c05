"""The Zoho reader against a fake CRM: whole, wide, long, shared, and while people work in it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import psycopg
import pytest
import simplejson
from pydantic import ValidationError

from kehu.sources import zoho_pages
from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.http import Patience
from kehu.sources.zoho import ZohoReader, ZohoSettings
from kehu.sources.zoho_token import ACCOUNTS, accounts_url
from kehu.warehouse.tokens import MemoryTokens, WarehouseTokens
from tests.fakes.crowd import fill_zoho
from tests.fakes.exchange import Answer, Request
from tests.fakes.faults import Fault
from tests.fakes.limits import MovableClock
from tests.fakes.server import FakeServer
from tests.fakes.zoho import FakeZoho, ZohoLimits

QUICK = Patience(
    attempts=4,
    first_wait_seconds=0.001,
    longest_wait_seconds=0.002,
    read_seconds=0.4,
    answer_seconds=0.8,
    file_seconds=2,
)
WIRE_FAULTS = (Fault.TRUNCATED_PAGE, Fault.HTML, Fault.EMPTY, Fault.CUT_GZIP, Fault.RESET, Fault.SERVER_ERROR)
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


@pytest.fixture
def clock():
    # Tokens live by the real clock on the reader's side, so the fake's goes on from the real time.
    return MovableClock(datetime.now(timezone.utc).replace(microsecond=0))


@pytest.fixture
def crm_with(clock):
    made: list[Crm] = []

    def make(**limits) -> Crm:
        made.append(Crm(clock, **limits))
        return made[-1]

    yield make
    for crm in made:
        crm.close()
        assert not crm.server.errors


@pytest.fixture
def crm(crm_with):
    """450 contacts; page numbers reach 400 rows."""
    crm = crm_with(first_rows=400)
    fill_zoho(crm.app, contacts=450, accounts=20, leads=40, deals=30, cases=5)
    return crm


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


def by_change(crm: Crm) -> list[str]:
    """The contacts' ids, the longest unchanged first."""
    rows = crm.expected()
    return sorted(rows, key=lambda key: (rows[key]["Modified_Time"], key))


# --- whole


@pytest.mark.parametrize("module", ["Contacts", "Accounts", "Leads", "Deals", "Cases", "Products", "Campaigns"])
def test_every_record_with_every_field(crm, module):
    versions, outcome = take(crm.reader().read(module, None))
    assert records(versions) == crm.expected(module)
    assert outcome.is_complete
    newest = max(datetime.fromisoformat(row["Modified_Time"]) for row in crm.expected(module).values())
    assert datetime.fromisoformat(outcome.state["modified"]) == newest
    changed = {one.record_id: one.changed_at for one in versions}
    assert all(
        changed[key] == datetime.fromisoformat(row["Modified_Time"]) for key, row in crm.expected(module).items()
    )


def test_more_than_2000_rows_with_the_true_limits(crm_with):
    crm = crm_with()
    fill_zoho(crm.app, contacts=2_350, accounts=5, leads=0, deals=0, cases=0)
    versions, _ = take(crm.reader().read("Contacts", None))
    assert records(versions) == crm.expected()
    asked = [request.params for request in crm.server.requests_to("/crm/v8/Contacts") if "sort_by" in request.params]
    assert [params.get("page") for params in asked] == [*map(str, range(1, 11)), None, None]


def test_more_than_50_fields(crm):
    crm.app.widen("Contacts", 130)
    versions, _ = take(crm.reader().read("Contacts", None))
    assert records(versions) == crm.expected()
    assert len(next(iter(records(versions).values()))) > 130


def test_configured_fields_only(crm):
    versions, _ = take(crm.reader(modules={"Contacts": ["Email"]}).read("Contacts", None))
    expected = {
        key: {name: row[name] for name in ("id", "Email", "Modified_Time")} for key, row in crm.expected().items()
    }
    assert records(versions) == expected


def test_an_empty_module(crm_with):
    crm = crm_with()
    versions, outcome = take(crm.reader().read("Deals", None))
    assert versions == []
    assert (outcome.state, outcome.is_complete) == ({"modified": None, "deleted": None}, True)


@pytest.mark.parametrize("own_limit", [None, 500])
@pytest.mark.parametrize("width", [0, 60])
def test_windows_beyond_the_last_row_that_may_be_listed(crm_with, monkeypatch, own_limit, width):
    if own_limit:
        monkeypatch.setattr(zoho_pages, "ROWS_BY_TOKEN", own_limit)
    crm = crm_with(first_rows=200, most_rows=600)
    fill_zoho(crm.app, contacts=1_500, accounts=5, leads=0, deals=0, cases=0, wide=width)
    versions, _ = take(crm.reader(page_size=100).read("Contacts", None))
    assert records(versions) == crm.expected()
    assert {key for page in crm.reader(page_size=100).keys("Contacts") for key in page} == set(crm.expected())


def test_too_many_rows_of_one_instant_are_an_error_not_a_gap(crm_with):
    crm = crm_with(first_rows=200, most_rows=400)
    for number in range(500):
        crm.app.add("Contacts", {"Last_Name": f"Name {number}"})
    with pytest.raises(SourceError, match="one time of change") as caught:
        take(crm.reader(page_size=100).read("Contacts", None))
    assert not isinstance(caught.value, SourceUnavailable)


@pytest.mark.parametrize("code", ["EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH"])
def test_a_lost_page_token_restarts_the_window(crm, code):
    reader = crm.reader(page_size=100)
    pages = reader.read("Contacts", None)
    versions = [one for _ in range(4) for one in next(pages)]
    if code == "EXPIRED_VALUE":
        crm.clock.advance(86_400)
    else:
        crm.app.tokens.add_user("another", "user-2")
        for mark in crm.app.pager._marks.values():
            object.__setattr__(mark, "bound_to", ("another",))
    rest, _ = take(pages)
    assert records([*versions, *rest]) == crm.expected()


# --- changes since


def test_only_what_changed_since(crm, clock):
    reader = crm.reader()
    _, first = take(reader.read("Contacts", None))
    clock.advance(3600)
    crm.app.revoke_tokens()
    changed, added = next(iter(crm.expected())), crm.app.add("Contacts", {"Last_Name": "New"})
    crm.app.change("Contacts", changed, Email="new@example.com")
    versions, second = take(reader.read("Contacts", first.state))
    assert {changed, added} <= set(records(versions)) != set(crm.expected())
    assert not second.is_complete
    assert datetime.fromisoformat(second.state["modified"]) == clock.now
    clock.advance(3600)
    crm.app.revoke_tokens()
    versions, third = take(reader.read("Contacts", second.state))
    assert set(records(versions)) == {changed, added}  # within the lag
    assert third.state == second.state
    versions, _ = take(crm.reader(lag_minutes=0).read("Contacts", second.state))
    assert versions == []


def test_a_server_without_if_modified_since(crm, clock, monkeypatch):
    monkeypatch.setattr("tests.fakes.zoho._since", lambda request: None)
    newest = max(datetime.fromisoformat(row["Modified_Time"]) for row in crm.expected().values())
    since = newest + timedelta(minutes=5) - timedelta(days=30)
    versions, outcome = take(crm.reader().read("Contacts", {"modified": since.isoformat(), "deleted": None}))
    expected = {
        key
        for key, row in crm.expected().items()
        if datetime.fromisoformat(row["Modified_Time"]) >= newest - timedelta(days=30)
    }
    assert set(records(versions)) == expected
    assert 0 < len(expected) < 450
    assert datetime.fromisoformat(outcome.state["modified"]) == newest


def test_deleted_merged_and_restored(crm, clock):
    reader = crm.reader()
    _, first = take(reader.read("Accounts", None))
    clock.advance(3600)
    crm.app.revoke_tokens()
    winner, loser, binned, gone = sorted(crm.expected("Accounts"))[:4]
    crm.app.merge("Accounts", winner, loser)
    crm.app.delete("Accounts", binned)
    crm.app.delete("Accounts", gone, "permanent")
    versions, second = take(reader.read("Accounts", first.state))
    dead = {one.record_id: one for one in versions if one.is_deleted}
    assert set(dead) == {loser, binned, gone}
    told = simplejson.loads(dead[binned].record)
    assert set(told) == {"id", "type", "deleted_time"}
    assert (told["type"], dead[binned].changed_at) == ("recycle", clock.now)
    assert datetime.fromisoformat(second.state["deleted"]) == clock.now
    clock.advance(3600)
    crm.app.revoke_tokens()
    crm.app.restore("Accounts", binned, touch=True)
    versions, third = take(reader.read("Accounts", second.state))
    assert set(records(versions)) == {binned, winner}  # within the lag
    assert {one.record_id for one in versions if one.is_deleted} == {loser, gone}  # within the lag
    clock.advance(3600)
    crm.app.revoke_tokens()
    versions, _ = take(crm.reader(lag_minutes=0).read("Accounts", third.state))
    assert [one for one in versions if one.is_deleted] == []


def test_many_deletions(crm, clock):
    gone = sorted(crm.expected())[:350]
    for key in gone:
        crm.app.delete("Contacts", key)
    versions, _ = take(crm.reader(page_size=100).read("Contacts", None))
    assert {one.record_id for one in versions if one.is_deleted} == set(gone)
    assert records(versions) == crm.expected()


# --- while people work


def test_rows_that_move_behind_the_page_are_found(crm, clock):
    """Three records of page 1 change while page 3 is next: three others move up over the edge, out of sight."""
    in_order = by_change(crm)

    def meddle():
        clock.advance(60)
        for key in in_order[:3]:
            crm.app.change("Contacts", key, Email="moved@example.com")

    crm.app.meddle[3] = meddle
    versions, _ = take(crm.reader(page_size=100).read("Contacts", None))
    newest = {one.record_id: simplejson.loads(one.record, use_decimal=True) for one in versions}
    assert newest == crm.expected()
    assert len(versions) == 453


def test_rows_deleted_behind_the_page_are_found(crm, clock):
    in_order = by_change(crm)
    crm.app.meddle[3] = lambda: [crm.app.delete("Contacts", key) for key in in_order[:3]]
    versions, _ = take(crm.reader(page_size=100).read("Contacts", None))
    dead = {one.record_id for one in versions if one.is_deleted}
    assert dead == set(in_order[:3])
    assert {key for key in records(versions) if key not in dead} == set(crm.expected())


def test_keys_are_whole_while_rows_are_deleted(crm):
    in_order = by_change(crm)
    crm.app.meddle[3] = lambda: [crm.app.delete("Contacts", key) for key in in_order[:3]]
    keys = [key for page in crm.reader(page_size=100).keys("Contacts") for key in page]
    assert len(keys) == len(set(keys))
    assert set(keys) >= set(crm.expected())


def test_a_record_that_changes_between_its_halves_is_read_again(crm, clock):
    crm.app.widen("Contacts", 60)
    in_order = by_change(crm)

    def meddle():
        clock.advance(60)
        for key in in_order[50:55]:
            crm.app.change("Contacts", key, Extra_060="after", Email="after@example.com")

    crm.app.meddle[2] = meddle  # after the first half of page 1
    versions, _ = take(crm.reader(page_size=100).read("Contacts", None))
    assert records(versions) == crm.expected()
    assert crm.server.requests_to("/crm/v8/Contacts")


def test_a_record_that_never_agrees_ends_in_an_error(crm, clock):
    crm.app.widen("Contacts", 60)
    key = next(iter(crm.expected()))
    handle = crm.app.handle

    def always_changing(request):
        if request.path == "/crm/v8/Contacts":
            clock.advance(1)
            crm.app.change("Contacts", key, Email=f"{clock.now.timestamp()}@example.com")
        return handle(request)

    crm.app.handle = always_changing
    with pytest.raises(SourceUnavailable, match="faster than"):
        take(crm.reader(page_size=100).read("Contacts", None))


# --- bulk


def test_a_large_first_load_comes_in_bulk_and_looks_the_same(crm_with):
    crm = crm_with(bulk_rows=300)
    fill_zoho(crm.app, contacts=700, accounts=20, leads=0, deals=0, cases=0, wide=60)
    orphans = sorted(crm.expected())[5:8]
    crm.app.omit_from_bulk("Contacts", *orphans)
    reader = crm.reader(bulk_from_rows=500)
    in_bulk, outcome = take(reader.read("Contacts", None))
    assert len(crm.server.requests_to("/crm/bulk/v8/read")) == 3 * (1 + 3 + 1)
    bulk, expected = records(in_bulk), crm.expected()
    assert set(bulk) == set(expected)  # those that bulk leaves out are fetched
    assert outcome.is_complete
    for key in set(bulk) - set(orphans):
        for name, value in expected[key].items():
            if isinstance(value, dict):
                value = {"id": value["id"]}
            if name == "Tag":
                continue  # the CSV has names where the listing has objects
            assert bulk[key][name] == (value if value != [] else None), name
    # Later jobs may see changes that the first one missed.
    first_job = sorted(set(expected) - set(orphans))[:300]
    newest = max(datetime.fromisoformat(expected[key]["Modified_Time"]) for key in first_job)
    assert datetime.fromisoformat(outcome.state["modified"]) == newest
    assert take(reader.read("Contacts", outcome.state))[1].is_complete is False


def test_a_bulk_job_that_fails(crm):
    crm.app.fail_bulk()
    with pytest.raises(SourceUnavailable, match="bulk job of Contacts failed"):
        take(crm.reader(bulk_from_rows=100).read("Contacts", None))


@pytest.mark.parametrize(
    "fault", [Fault.TRUNCATED_PAGE, Fault.HTML, Fault.EMPTY, Fault.CUT_GZIP, Fault.RESET, Fault.SERVER_ERROR]
)
def test_a_download_that_breaks_is_made_again(crm, fault):
    crm.server.faults.plan(fault, path="/result")
    versions, _ = take(crm.reader(bulk_from_rows=100).read("Contacts", None))
    assert set(records(versions)) == set(crm.expected())
    assert crm.server.faults.hits == 1


# --- keys, fetch, count


def test_keys_fetch_and_count(crm):
    reader = crm.reader(page_size=100)
    keys = [key for page in reader.keys("Leads") for key in page]
    assert sorted(keys) == sorted(crm.expected("Leads"))
    wanted = sorted(crm.expected())[:250]
    fetched, _ = take(reader.fetch("Contacts", [*wanted, "1", "2"]))
    assert records(fetched) == {key: crm.expected()[key] for key in wanted}
    assert take(reader.fetch("Contacts", ["1"]))[0] == []
    assert (reader.count("Contacts"), reader.count("Leads")) == (450, 40)


def test_a_refused_count_is_no_count(crm):
    crm.app.refuse("Contacts")
    assert crm.reader().count("Contacts") is None
    crm.server.faults.plan(Fault.SERVER_ERROR, times=None)
    with pytest.raises(SourceUnavailable):
        crm.reader().count("Deals")


# --- tokens


def test_one_token_for_all_tasks(crm, url):
    for _ in range(3):
        take(crm.reader(WarehouseTokens(url)).read("Deals", None))
    assert len(crm.server.requests_to("/oauth/v2/token")) == 1
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from ops.access_tokens").fetchone() == (1,)


def test_a_token_refused_in_mid_run_is_renewed_once_for_all(crm, url):
    one, other = (crm.reader(WarehouseTokens(url), page_size=100) for _ in range(2))
    pages = [one.read("Contacts", None), other.read("Contacts", None)]
    begun = [[*next(reading)] for reading in pages]
    crm.app.revoke_tokens()
    for versions, reading in zip(begun, pages, strict=True):
        assert records([*versions, *take(reading)[0]]) == crm.expected()
    assert len(crm.server.requests_to("/oauth/v2/token")) == 2


def test_a_token_that_is_always_refused(crm):
    crm.app.refuse("*", "INVALID_TOKEN", 401)
    with pytest.raises(SourceError, match="fresh access token was refused") as caught:
        take(crm.reader().read("Contacts", None))
    assert not isinstance(caught.value, SourceUnavailable)
    assert len(crm.server.requests_to("/oauth/v2/token")) == 2


def test_a_bad_refresh_token(crm):
    reader = crm.reader(credentials=crm.credentials(refresh_token="nonsense"))
    with pytest.raises(SourceError, match="refresh token is not accepted: make a new one") as caught:
        take(reader.read("Contacts", None))
    assert not isinstance(caught.value, SourceUnavailable)
    assert "nonsense" not in str(caught.value)


def test_minting_too_often_may_pass(crm_with):
    crm = crm_with(mints=0)
    with pytest.raises(SourceUnavailable, match="minted too often"):
        crm.reader().count("Contacts")
    assert len(crm.server.requests) == 1


@pytest.mark.parametrize("missing", ["login", "password", "refresh_token"])
def test_a_connection_without_its_secrets(crm, missing):
    known = crm.credentials()
    parts = {"login": known.login, "password": known.password, "extra": dict(known.extra)}
    (parts["extra"] if missing == "refresh_token" else parts).update({missing: None})
    reader = crm.reader(credentials=Credentials(host=known.host, **parts))
    with pytest.raises(SourceError, match="refresh_token"):
        reader.count("Contacts")


@pytest.mark.parametrize(
    ("code", "grant"), [("NO_PERMISSION", "grant its profile"), ("OAUTH_SCOPE_MISMATCH", "ZohoCRM.modules.READ")]
)
def test_missing_rights_name_the_module_and_the_remedy(crm, code, grant):
    crm.app.refuse("Deals", code)
    for _ in range(2):  # both shapes of errors
        with pytest.raises(SourceError, match="Deals") as caught:
            take(crm.reader().read("Deals", None))
        assert grant in str(caught.value)
        assert not isinstance(caught.value, SourceUnavailable)


def test_an_unknown_module(crm):
    with pytest.raises(SourceError, match="no module Nonsense"):
        take(crm.reader(modules={"Nonsense": []}).read("Nonsense", None))


@pytest.mark.parametrize("name", ACCOUNTS)
def test_every_data_centre_by_every_name(name):
    domain = ACCOUNTS[name]
    for host in (
        name,
        name.upper(),
        domain,
        f"https://{domain}",
        f"https://{domain}/",
        domain.removeprefix("accounts."),
    ):
        assert accounts_url("zoho", Credentials(host=host)) == f"https://{domain}"


@pytest.mark.parametrize(
    "host", [None, "", "accounts.evil.example", "http://accounts.zoho.eu", "accounts.zoho.eu.evil.example"]
)
def test_secrets_go_to_no_other_host(host):
    with pytest.raises(SourceError):
        accounts_url("zoho", Credentials(host=host))


# --- faults


@pytest.mark.parametrize("after", [0, 2, 4])
@pytest.mark.parametrize("fault", list(Fault))
def test_each_fault_within_a_listing(crm, fault, after):
    """All rows exactly once; only a cursor that leads back may end the reading."""
    plan = crm.server.faults.plan(fault, after=after, path="/crm/v8/Contacts")
    try:
        versions, _ = take(crm.reader(page_size=100).read("Contacts", None))
    except SourceUnavailable:
        assert fault is Fault.CURSOR_LOOP
    else:
        assert records(versions) == crm.expected()
    assert plan.hits == 1


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.TOKEN_EXPIRED}, key=str))
def test_each_fault_that_lasts_ends_the_reading(crm, fault):
    plan = crm.server.faults.plan(fault, after=2, times=None, path="/crm/v8/Contacts", fresh_cursors=True)
    with pytest.raises(SourceUnavailable, match="^zoho: /crm/v8/Contacts: "):
        take(crm.reader(page_size=100).read("Contacts", None))
    assert plan.hits <= 3 * QUICK.attempts


@pytest.mark.parametrize("fault", [Fault.TOO_MANY_REQUESTS, Fault.SERVER_ERROR, Fault.HTML, Fault.EMPTY, Fault.RESET])
def test_faults_of_the_accounts_server(crm, fault):
    crm.server.faults.plan(fault, token_requests=True)
    assert crm.reader().count("Contacts") == 450


def test_credits_that_are_used_up(crm_with):
    crm = crm_with(credits=3)
    fill_zoho(crm.app, contacts=450, accounts=5, leads=0, deals=0, cases=0)
    with pytest.raises(SourceUnavailable, match="HTTP 429"):
        take(crm.reader(page_size=100).read("Contacts", None))


# --- settings


def test_settings():
    assert list(ZohoSettings().modules) == ["Contacts", "Accounts", "Leads", "Deals", "Cases", "Products", "Campaigns"]
    with pytest.raises(ValidationError):
        ZohoSettings(module={"Contacts": []})
    with pytest.raises(ValidationError):
        ZohoSettings(page_size=201)


def test_decimals_arrive_as_they_are_sent(crm):
    crm.app.add("Deals", {"Deal_Name": "Exact", "Amount": 1234567890.1})
    versions, _ = take(crm.reader().read("Deals", None))
    (deal,) = (row for row in records(versions).values() if row["Deal_Name"] == "Exact")
    assert deal["Amount"] == Decimal("1234567890.1")


def test_the_constructor_makes_no_call(crm):
    crm.reader(credentials=Credentials())
    assert crm.server.requests == []
