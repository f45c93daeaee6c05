"""The Fxiaoke reader against a fake tenant: by keyset, with its own fields, in both styles of tokens."""

from __future__ import annotations

from datetime import datetime

import pytest
import simplejson
from pydantic import ValidationError

from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.fxiaoke import OBJECTS, FxiaokeSettings
from kehu.warehouse.tokens import WarehouseTokens
from tests.kehu.sources.fxiaoke_tenant import FEW, QUERY
from tests.kehu.sources.readings import records, take

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
    tenant.app.define("object_loyalty__c", "name text! 名称|points__c number 积分|colour__c text 颜色")
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
    tenant.app.define("object_empty__c", "name text! 名称")
    versions, outcome = take(tenant.reader().read("object_empty__c", None))
    assert (versions, outcome.state, outcome.is_complete) == ([], {"modified": None}, True)


# --- changes since


def test_only_what_changed_since(tenant, clock):
    reader = tenant.reader()
    _, first = take(reader.read("AccountObj", None))
    clock.advance(3600)
    tenant.app.revoke_tokens()
    changed = next(iter(tenant.expected()))
    tenant.app.change("AccountObj", changed, city="New city")
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
        tenant.app.change("AccountObj", early, city="Changed behind the page")
        clock.advance(1800)
        tenant.app.change("AccountObj", late, city="Changed ahead of it")

    tenant.app.meddle[4] = meddle  # the first asks for the newest change, the second and third are pages
    reader = tenant.reader()
    versions, first = take(reader.read("AccountObj", None))
    assert records(versions)[late]["city"] == "Changed ahead of it"
    assert records(versions)[early].get("city") != "Changed behind the page"
    versions, _ = take(reader.read("AccountObj", first.state))
    assert records(versions)[early]["city"] == "Changed behind the page"


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
