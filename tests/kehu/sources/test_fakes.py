"""The fakes keep the vendors' limits, and each fault can be seen from outside."""

from __future__ import annotations

import csv
import io
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.fakes.callers import CONTACTS, CUSTOM_QUERY, FxiaokeCaller, ZohoCaller
from tests.fakes.crowd import fill_fxiaoke, fill_rest, fill_zoho
from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.fxiaoke_query import LARGEST_OFFSET
from tests.fakes.limits import MovableClock
from tests.fakes.rest import FakeRest
from tests.fakes.server import FakeServer
from tests.fakes.zoho import FakeZoho, ZohoLimits

DELETED = "/crm/v8/Contacts/deleted"


@pytest.fixture
def clock():
    return MovableClock()


@pytest.fixture
def zoho(clock: MovableClock):
    """450 contacts in pages of up to 200; numbers reach 400 rows, tokens 2,000."""
    app = FakeZoho(clock, ZohoLimits(first_rows=400, most_rows=2_000, bulk_rows=300, bulk_downloads=2))
    fill_zoho(app, contacts=450, accounts=20, leads=40, deals=30, cases=5)
    with FakeServer(app) as server:
        caller = ZohoCaller(app, server.url).login()
        caller.server = server
        yield caller
    assert not server.errors


def test_pages_by_number_end_where_tokens_take_over(zoho: ZohoCaller):
    assert zoho.page(page=2)["info"]["page"] == 2
    assert zoho.refused(page=3) == "DISCRETE_PAGINATION_LIMIT_EXCEEDED"
    ids = zoho.all_ids()
    assert len(ids) == len(set(ids)) == 450
    assert ids == sorted(ids)
    assert zoho.all_ids(sort_order="desc") == ids[::-1]
    assert zoho.get("/crm/v8/Contacts/actions/count").json() == {"count": 450}


def test_tokens_end_at_the_last_row_that_may_be_listed(zoho: ZohoCaller):
    for number in range(1_600):
        zoho.app.add("Contacts", {"Last_Name": f"More {number}"})
    page = zoho.page()
    for _ in range(9):
        page = zoho.page(page_token=page["info"]["next_page_token"])
    assert page["info"]["more_records"]
    assert zoho.refused(sort_order="asc", page_token=page["info"]["next_page_token"]) == "PAGINATION_LIMIT_EXCEEDED"


def test_a_page_token_is_bound(zoho: ZohoCaller, clock: MovableClock):
    token = zoho.page()["info"]["next_page_token"]
    assert zoho.refused(page_token=token, sort_order="desc") == "TOKEN_BOUND_DATA_MISMATCH"
    assert zoho.refused(page_token=token, sort_order="asc", fields="Email") == "TOKEN_BOUND_DATA_MISMATCH"
    assert zoho.refused(page_token=token, sort_order="asc", page=2) == "AMBIGUITY_DURING_PROCESSING"
    zoho.app.tokens.add_user("another", "user-2")
    mine = zoho.headers
    zoho.login(refresh_token="another")
    assert zoho.refused(page_token=token, sort_order="asc") == "TOKEN_BOUND_DATA_MISMATCH"
    zoho.headers = mine
    clock.advance(86_400)
    zoho.login()
    assert zoho.refused(page_token=token, sort_order="asc") == "EXPIRED_VALUE"


def test_rows_deleted_behind_a_token_do_not_shift_the_next_page(zoho: ZohoCaller):
    first = zoho.page(per_page=200)
    zoho.app.delete("Contacts", first["data"][0]["id"])
    second = zoho.page(per_page=200, page_token=first["info"]["next_page_token"])
    assert second["data"][0]["id"] > first["data"][-1]["id"]
    assert int(second["data"][0]["id"]) == int(first["data"][-1]["id"]) + 1


def test_fields_are_required_and_at_most_fifty(zoho: ZohoCaller):
    extra = zoho.app.widen("Contacts", 60)
    described = zoho.get("/crm/v8/settings/fields", module="Contacts").json()["fields"]
    assert len(described) > 50
    assert set(extra) < {field["api_name"] for field in described}
    assert zoho.refused(fields="") == "REQUIRED_PARAM_MISSING"
    assert zoho.refused(fields=",".join(extra[:51])) == "LIMIT_EXCEEDED"
    assert set(zoho.page(fields=",".join([*extra[:49], "Nonsense"]))["data"][0]) == {"id", *extra[:49]}
    assert zoho.refused("/crm/v8/Nonsense") == "INVALID_MODULE"
    assert zoho.refused(per_page=201) == "INVALID_DATA"
    assert zoho.refused(ids=",".join(map(str, range(101)))) == "LIMIT_EXCEEDED"


def test_changes_since_and_nothing(zoho: ZohoCaller, clock: MovableClock):
    since = {"If-Modified-Since": zoho.app.store.written(clock.now)}
    assert zoho.get(CONTACTS, since, fields="Email").status_code == 304
    clock.advance(60)
    zoho.login()
    key = next(iter(zoho.app.records("Contacts")))
    zoho.app.change("Contacts", key, Email="new@example.com")
    answer = zoho.get(CONTACTS, since, fields="Email,Modified_Time").json()
    assert answer["data"] == [{"id": key, "Email": "new@example.com", "Modified_Time": "2026-01-05T17:01:00+08:00"}]
    assert zoho.get(CONTACTS, fields="Email", page=1, ids="1").status_code == 204
    assert zoho.refused(headers={"If-Modified-Since": "2026-01-05T17:01:00"}) == "INVALID_DATA"
    assert len(zoho.page("/crm/v8/Leads")["data"]) < len(zoho.page("/crm/v8/Leads", converted="both")["data"]) == 40


def test_deleted_merged_and_restored(zoho: ZohoCaller, clock: MovableClock):
    winner, loser = sorted(zoho.app.records("Accounts"))[:2]
    children = _children(zoho.app, loser)
    clock.advance(60)
    zoho.login()
    zoho.app.merge("Accounts", winner, loser)
    assert [line["id"] for line in zoho.page("/crm/v8/Accounts/deleted")["data"]] == [loser]
    assert children
    moved = zoho.page(ids=",".join(children), fields="Account_Name,Modified_Time")["data"]
    assert {record["Account_Name"]["id"] for record in moved} == {winner}
    assert {record["Modified_Time"] for record in moved} == {"2026-01-05T17:01:00+08:00"}
    gone, binned = children[:2]
    zoho.app.delete("Contacts", gone, "permanent")
    zoho.app.delete("Contacts", binned)
    assert {line["id"]: line["type"] for line in zoho.page(DELETED, type="all")["data"]} == {
        gone: "permanent",
        binned: "recycle",
    }
    zoho.app.restore("Contacts", binned)
    assert zoho.get(DELETED, type="recycle").status_code == 204
    assert binned in zoho.all_ids()


def _children(app: FakeZoho, account: str) -> list[str]:
    rows = app.records("Contacts").items()
    return [key for key, row in rows if row.get("Account_Name") and row["Account_Name"]["id"] == account]


def test_bulk_read_in_two_jobs_without_orphans(zoho: ZohoCaller, clock: MovableClock):
    orphan = next(iter(zoho.app.records("Contacts")))
    zoho.app.omit_from_bulk("Contacts", orphan)
    first, rows = bulk(zoho, 1)
    second, more = bulk(zoho, 2)
    assert (first["count"], first["more_records"], second["count"], second["more_records"]) == (300, True, 149, False)
    assert list(rows[0]) == ["Id", "Last_Name", "Account_Name"]
    keys = {row["Id"] for row in rows + more}
    assert set(zoho.app.records("Contacts")) - keys == {orphan}
    assert all(row["Account_Name"].isdigit() for row in rows if row["Account_Name"])
    assert zoho.get(first["download_url"]).status_code == 429
    clock.advance(61)
    assert zoho.get(first["download_url"]).status_code == 200
    zoho.app.fail_bulk()
    assert bulk(zoho, 1)[0] == {"error_message": {"code": "INTERNAL_ERROR", "message": "the job failed"}}


def bulk(zoho: ZohoCaller, page: int) -> tuple[dict, list[dict]]:
    """The result of a job and its rows."""
    part = {"field": {"api_name": "Modified_Time"}, "comparator": "greater_equal", "value": "2020-01-01T00:00:00Z"}
    query = {"module": {"api_name": "Contacts"}, "fields": ["Last_Name", "Account_Name"], "page": page}
    query["criteria"] = {"group_operator": "and", "group": [part]}
    created = zoho.http.post(f"{zoho.url}/crm/bulk/v8/read", json={"query": query}, headers=zoho.headers)
    assert created.status_code == 201
    path = f"/crm/bulk/v8/read/{created.json()['data'][0]['details']['id']}"
    polls = [zoho.get(path).json()["data"][0] for _ in range(3)]
    assert [poll["state"] for poll in polls[:2]] == ["QUEUED", "IN PROGRESS"]
    if polls[2]["state"] == "FAILURE":
        return polls[2]["result"], []
    with zipfile.ZipFile(io.BytesIO(zoho.get(path + "/result").content)) as archive:
        (name,) = archive.namelist()
        return polls[2]["result"], list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def test_zoho_tokens_are_few_and_end(zoho: ZohoCaller, clock: MovableClock):
    bad = zoho.mint(refresh_token="nonsense")
    assert (bad.status_code, bad.json()) == (200, {"error": "invalid_code"})
    for _ in range(9):
        assert zoho.mint().json()["api_domain"] == zoho.url
    refused = zoho.mint()
    assert (refused.status_code, refused.json()["error"]) == (400, "Access Denied")
    token = zoho.headers["Authorization"].split()[1]
    assert zoho.refused(headers={"Authorization": f"Bearer {token}"}) == "INVALID_TOKEN"
    clock.advance(3600)
    assert zoho.refused() == "INVALID_TOKEN"
    assert zoho.login().page()["info"]["count"] == 200


def test_refusals_come_in_both_shapes(zoho: ZohoCaller):
    zoho.app.refuse("Contacts")
    bodies = [zoho.get(CONTACTS, fields="Email") for _ in range(2)]
    assert {answer.status_code for answer in bodies} == {403}
    assert sorted("data" in answer.json() for answer in bodies) == [False, True]
    zoho.app.allow("Contacts")
    zoho.app.refuse("*", "OAUTH_SCOPE_MISMATCH", 401)
    assert zoho.refused("/crm/v8/Deals") == "OAUTH_SCOPE_MISMATCH"


def test_credits_and_concurrency():
    app = FakeZoho(limits=ZohoLimits(credits=8, concurrency=1), latency=0.05)
    with FakeServer(app) as server:
        caller = ZohoCaller(app, server.url).login()
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda _: caller.get("/crm/v8/Deals/actions/count"), range(2)))
        assert sorted(answer.status_code for answer in both) == [200, 429]
        assert all("retry-after" not in answer.headers for answer in both)
        answers = [caller.get("/crm/v8/Deals/actions/count") for _ in range(8)]
        remaining = [answer.headers.get("X-API-CREDITS-REMAINING") for answer in answers]
        assert remaining[:4] == [None, None, "4", "3"]
        assert answers[-1].status_code == 429


def test_another_region_takes_the_calls():
    china = FakeZoho()
    accounts = FakeZoho(tokens=china.tokens)
    with FakeServer(china) as here, FakeServer(accounts) as there:
        accounts.region = here.url
        caller = ZohoCaller(accounts, there.url)
        assert caller.mint().json()["api_domain"] == here.url
        assert caller.login().refused("/crm/v8/Deals/actions/count") == "INVALID_TOKEN"
        caller.url = here.url
        assert caller.get("/crm/v8/Deals/actions/count").json() == {"count": 0}


# --- 纷享销客


@pytest.fixture
def fxiaoke(clock: MovableClock):
    app = FakeFxiaoke(clock)
    fill_fxiaoke(app, 350, 20, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5)
    with FakeServer(app) as server:
        caller = FxiaokeCaller(app, server.url).login()
        caller.server = server
        yield caller
    assert not server.errors


def test_a_page_of_a_large_module_is_quick():
    app = FakeZoho()
    for number in range(20_000):
        app.add("Contacts", {"Last_Name": f"Name {number}", "Email": f"{number}@example.com"})
    with FakeServer(app) as server:
        caller = ZohoCaller(app, server.url).login()
        caller.page()
        request = server.requests_to(CONTACTS)[0]
        started = time.perf_counter()
        for _ in range(50):
            app.handle(request).content()
        # Sorted once, not once a page; ten times the time it takes, for slow machines.
        assert (time.perf_counter() - started) / 50 < 0.01


def test_fxiaoke_offsets_and_keysets(fxiaoke: FxiaokeCaller):
    assert fxiaoke.query(offset=50)["errorCode"] == 32000
    assert fxiaoke.query(limit=101)["errorCode"] == 32000
    assert fxiaoke.query(offset=LARGEST_OFFSET)["errorCode"] == 0
    assert fxiaoke.query(offset=LARGEST_OFFSET + 100)["errorCode"] == 10013
    ids, rows = [], fxiaoke.query()["data"]["dataList"]
    while rows:
        ids += [row["_id"] for row in rows]
        beyond = {"field_name": "_id", "operator": "GT", "field_values": [ids[-1]]}
        rows = fxiaoke.query(filters=[beyond], fieldProjection=["name"])["data"]["dataList"]
    assert ids == sorted(fxiaoke.app.records("AccountObj"))


def test_fxiaoke_rows_and_filters(fxiaoke: FxiaokeCaller):
    row = fxiaoke.query()["data"]["dataList"][0]
    assert None not in row.values()
    assert isinstance(row["last_modified_time"], int)
    assert {"life_status", "is_deleted", "lock_status", "owner"} <= set(row)
    rows = fxiaoke.app.records("AccountObj").values()
    money = [float(row["last_deal_closed_amount"]) for row in rows if "last_deal_closed_amount" in row]
    assert fxiaoke.count(("last_deal_closed_amount", "GT", "9000")) == sum(amount > 9000 for amount in money)
    assert fxiaoke.count(("last_deal_closed_amount", "BETWEEN", 100, 9000)) == sum(100 <= m <= 9000 for m in money)
    assert fxiaoke.count(("last_deal_closed_amount", "ISN")) == len(money)
    assert fxiaoke.count(("last_deal_closed_amount", "IS")) == 350 - len(money)
    in_york = fxiaoke.count(("city", "EQ", "York"))
    assert 0 < in_york == fxiaoke.count(("city", "LIKE", "Yor")) == 350 - fxiaoke.count(("city", "N", "York"))
    assert in_york == fxiaoke.count(("city", "IN", "York", "Nowhere")) == 350 - fxiaoke.count(("city", "NIN", "York"))
    when = row["last_modified_time"]
    assert fxiaoke.count(("last_modified_time", "LT", when)) + fxiaoke.count(("last_modified_time", "GTE", when)) == 350
    assert fxiaoke.count(("owner", "EQ", "1001")) == 50


def test_fxiaoke_endpoints_and_descriptions(fxiaoke: FxiaokeCaller):
    assert fxiaoke.query("object_visit__c", CUSTOM_QUERY)["data"]["total"] == 5
    assert fxiaoke.query("object_visit__c")["errorCode"] == 32000
    assert fxiaoke.query("AccountObj", CUSTOM_QUERY)["errorCode"] == 32000
    answer = fxiaoke.post("/cgi/crm/v2/object/describe", {"includeDetail": True, "apiName": "AccountObj"})
    assert answer["data"]["describe"]["fields"]["name"]["is_required"] is True
    trace = str(uuid.uuid4())
    assert fxiaoke.post("/cgi/crm/v2/object/describe", {"apiName": "AccountObj"}, trace)["errorCode"] == 0
    assert fxiaoke.post("/cgi/crm/v2/object/describe", {"apiName": "AccountObj"}, trace)["errorCode"] == 32000
    assert fxiaoke.post("/cgi/crm/v2/object/describe", {}, str(uuid.uuid1()))["errorCode"] == 32000


def test_fxiaoke_deletes_in_two_steps(fxiaoke: FxiaokeCaller, clock: MovableClock):
    key = next(iter(fxiaoke.app.records("AccountObj")))
    with pytest.raises(AssertionError):
        fxiaoke.app.remove("AccountObj", key)
    fxiaoke.app.invalidate("AccountObj", key)
    assert fxiaoke.count() == 349
    fxiaoke.app.shows_invalid = True
    assert fxiaoke.count(("life_status", "EQ", "invalid")) == 1
    fxiaoke.app.remove("AccountObj", key)
    assert fxiaoke.count() == 349


def test_fxiaoke_tokens(fxiaoke: FxiaokeCaller, clock: MovableClock):
    first = fxiaoke.mint()["accessToken"]
    clock.advance(6599)
    assert fxiaoke.mint()["accessToken"] == first
    clock.advance(1)
    assert fxiaoke.mint()["accessToken"] != first
    assert fxiaoke.query()["errorCode"] == 0
    clock.advance(600)
    assert fxiaoke.query()["errorCode"] == 20016
    fxiaoke.login()
    assert fxiaoke.mint(appSecret="nonsense")["errorCode"] == 10006
    assert [fxiaoke.mint()["errorCode"] for _ in range(10)] == [0] * 9 + [30004]
    fxiaoke.app.tokens.mint_latency = 0.1
    clock.advance(60)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(answer["errorCode"] for answer in pool.map(lambda _: fxiaoke.mint(), range(2))) == [0, 50009]


def test_fxiaoke_credentials_in_the_body(fxiaoke: FxiaokeCaller):
    fxiaoke.headers = {}
    assert fxiaoke.query()["errorCode"] == 32000
    token = fxiaoke.mint("/cgi/corpAccessToken/get/V2")
    given = {name: token[name] for name in ("corpAccessToken", "corpId")}
    found = fxiaoke.post("/cgi/user/getByMobile", given | {"mobile": fxiaoke.app.credentials.mobile})
    given["currentOpenUserId"] = found["empList"][0]["openUserId"]
    assert fxiaoke.query(extra=given)["data"]["total"] == 350


def test_fxiaoke_limits_and_failures(fxiaoke: FxiaokeCaller, clock: MovableClock):
    fxiaoke.app.fail_with(20020, times=2)
    assert [fxiaoke.query()["errorCode"] for _ in range(3)] == [20020, 20020, 0]
    assert [fxiaoke.query()["errorCode"] for _ in range(100)][-1] == 30004
    clock.advance(20)
    fxiaoke.app.daily_calls = 101
    assert [fxiaoke.query()["errorCode"] for _ in range(2)] == [0, 30002]
    fxiaoke.app.daily_calls = 0
    assert fxiaoke.query()["errorCode"] == 30003
    fxiaoke.app.daily_calls = None
    fxiaoke.app.envelope, fxiaoke.app.total_name = "result", "totalSize"
    assert fxiaoke.query()["result"]["totalSize"] == 350


# --- REST


@pytest.mark.parametrize(
    ("name", "key"), [("tickets", "data"), ("calls", "items"), ("chats", "data"), ("visits", None)]
)
def test_rest_pages_in_every_style(name: str, key: str | None):
    app = FakeRest("secret")
    fill_rest(app, 130)
    with FakeServer(app) as server, httpx.Client(headers={"Authorization": "Bearer secret"}) as http:
        ids, params, url = [], {}, f"{server.url}/{name}"
        while url:
            answer = http.get(url, params=params or None)
            body = answer.json()
            records = body if key is None else body[key]
            assert (answer.headers["X-Total-Count"] if key is None else body["total"]) in (130, "130")
            ids += [record["id"] for record in records]
            if name == "tickets":
                params = {"page": params.get("page", 1) + 1}
            elif name == "calls":
                params = {"offset": len(ids)}
            elif name == "chats":
                params = {"cursor": body["next_cursor"]}
            url = answer.links.get("next", {}).get("url") if name == "visits" else url
            if not records or (name == "chats" and not params["cursor"]):
                break
        assert len(ids) == len(set(ids)) == 130
        app.add(name, {"updated_at": "2030-01-01T00:00:00Z"})
        changed = http.get(f"{server.url}/{name}", params={"updated_since": "2029-12-31T23:00:00-01:00"}).json()
        assert len(changed if key is None else changed[key]) == 1
        app.revoke_token()
        assert http.get(f"{server.url}/{name}").status_code == 401
