"""The Zoho reader while people work in the CRM, tokens end, and answers break."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
import simplejson

from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.zoho_token import ACCOUNTS, accounts_url
from kehu.warehouse.tokens import WarehouseTokens
from tests.fakes.crowd import fill_zoho
from tests.fakes.faults import Fault
from tests.kehu.sources.readings import QUICK, records, take
from tests.kehu.sources.zoho_crm import Crm


def by_change(crm: Crm) -> list[str]:
    """The contacts' ids, the longest unchanged first."""
    rows = crm.expected()
    return sorted(rows, key=lambda key: (rows[key]["Modified_Time"], key))


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


@pytest.mark.parametrize("lost", ["row", "id", "info"])
def test_a_page_that_is_not_whole_is_asked_for_again(crm, lost):
    handle, spoiled = crm.app.handle, []

    def spoiling(request):
        answer = handle(request)
        if request.path == "/crm/v8/Contacts" and request.params.get("page") == "2" and not spoiled:
            spoiled.append(request)
            rows = answer.body["data"]
            body = {
                "row": {"data": rows[1:]},
                "id": {"data": [{"Email": None}, *rows[1:]]},
                "info": {"info": None},
            }[lost]
            return replace(answer, body=answer.body | body)
        return answer

    crm.app.handle = spoiling
    versions, _ = take(crm.reader(page_size=100).read("Contacts", None))
    assert records(versions) == crm.expected()
    assert spoiled


@pytest.mark.parametrize("fault", [Fault.TOO_MANY_REQUESTS, Fault.SERVER_ERROR, Fault.HTML, Fault.EMPTY, Fault.RESET])
def test_faults_of_the_accounts_server(crm, fault):
    crm.server.faults.plan(fault, token_requests=True)
    assert crm.reader().count("Contacts") == 450


def test_credits_that_are_used_up(crm_with):
    crm = crm_with(credits=3)
    fill_zoho(crm.app, contacts=450, accounts=5, leads=0, deals=0, cases=0)
    with pytest.raises(SourceUnavailable, match="HTTP 429"):
        take(crm.reader(page_size=100).read("Contacts", None))
