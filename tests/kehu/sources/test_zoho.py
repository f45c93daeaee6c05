"""The Zoho reader against a fake CRM: whole, wide, long, and since the last time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import simplejson
from pydantic import ValidationError

from kehu.sources import zoho_pages
from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.zoho import ZohoSettings
from tests.fakes.crowd import fill_zoho
from tests.fakes.faults import Fault
from tests.kehu.sources.readings import records, take

WIRE_FAULTS = (Fault.TRUNCATED_PAGE, Fault.HTML, Fault.EMPTY, Fault.CUT_GZIP, Fault.RESET, Fault.SERVER_ERROR)


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


def test_a_record_that_lives_is_not_told_as_deleted(crm):
    """The list of deletions may be behind: one it still tells of was restored, and listed in this same reading."""
    deleted, key = crm.app.store.module("Contacts").deleted, min(crm.expected())
    crm.app.delete("Contacts", key)
    line = deleted[key]
    crm.app.restore("Contacts", key, touch=True)
    deleted[key] = line
    versions, _ = take(crm.reader().read("Contacts", None))
    assert [one for one in versions if one.is_deleted] == []
    assert records(versions) == crm.expected()


def test_many_deletions(crm, clock):
    gone = sorted(crm.expected())[:350]
    for key in gone:
        crm.app.delete("Contacts", key)
    versions, _ = take(crm.reader(page_size=100).read("Contacts", None))
    assert {one.record_id for one in versions if one.is_deleted} == set(gone)
    assert records(versions) == crm.expected()


# --- bulk


def test_a_large_first_load_comes_in_bulk_and_looks_the_same(crm_with):
    crm = crm_with(bulk_rows=300)
    fill_zoho(crm.app, contacts=700, accounts=20, leads=0, deals=0, cases=0, wide=60)
    orphans = sorted(crm.expected())[5:8]
    crm.app.omit_from_bulk("Contacts", *orphans)
    crm.app.change("Contacts", max(crm.expected()), Email="newest@example.com")
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
