"""Raw clients of the fakes, for tests that look at single answers. They survive nothing."""

from __future__ import annotations

import uuid

import httpx

from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.zoho import FakeZoho

CONTACTS = "/crm/v8/Contacts"
QUERY = "/cgi/crm/v2/data/query"
CUSTOM_QUERY = "/cgi/crm/custom/v2/data/query"


class ZohoCaller:
    """A raw client of one Zoho fake."""

    def __init__(self, app: FakeZoho, url: str) -> None:
        self.app, self.url = app, url
        self.http = httpx.Client(timeout=1.0)
        self.headers: dict[str, str] = {}

    def mint(self, **changes: str) -> httpx.Response:
        form = {**vars(self.app.credentials), "grant_type": "refresh_token", **changes}
        return self.http.post(f"{self.url}/oauth/v2/token", data=form)

    def login(self, **changes: str) -> ZohoCaller:
        self.headers = {"Authorization": f"Zoho-oauthtoken {self.mint(**changes).json()['access_token']}"}
        return self

    def get(self, path: str, headers: dict[str, str] | None = None, **params: object) -> httpx.Response:
        return self.http.get(self.url + path, params=params, headers=self.headers | (headers or {}))

    def page(self, path: str = CONTACTS, **params: object) -> dict:
        answer = self.get(path, **{"fields": "Last_Name", "sort_order": "asc"} | params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str = CONTACTS, headers: dict[str, str] | None = None, **params: object) -> str:
        """The code of the error, in either shape."""
        body = self.get(path, headers, **{"fields": "Last_Name"} | params).json()
        return body["code"] if "code" in body else body["data"][0]["code"]

    def all_ids(self, path: str = CONTACTS, **params: object) -> list[str]:
        ids, place = [], {}
        while True:
            page = self.page(path, **params, **place)
            ids += [record["id"] for record in page["data"]]
            if not page["info"]["more_records"]:
                return ids
            place = {"page_token": page["info"]["next_page_token"]}


class FxiaokeCaller:
    """A raw client of one 纷享销客 fake."""

    def __init__(self, app: FakeFxiaoke, url: str) -> None:
        self.app, self.url, self.http = app, url, httpx.Client(timeout=1.0)
        self.headers: dict[str, str] = {}

    def post(self, path: str, body: dict, trace: str | None = None) -> dict:
        params = {"thirdTraceId": trace or str(uuid.uuid4())}
        answer = self.http.post(self.url + path, params=params, json=body, headers=self.headers)
        assert answer.status_code == 200
        return answer.json()

    def mint(self, path: str = "/oauth2.0/token", **changes: str) -> dict:
        known = self.app.credentials
        body = {"appId": known.app_id, "appSecret": known.app_secret, "permanentCode": known.permanent_code}
        return self.post(path, body | {"grantType": "app_secret"} | changes)

    def login(self) -> FxiaokeCaller:
        token = self.mint()
        self.headers = {"authorization": f"Bearer {token['accessToken']}", "x-fs-ea": token["ea"]}
        self.headers["x-fs-userid"] = self.app.credentials.open_user_id
        return self

    def query(self, name: str = "AccountObj", path: str = QUERY, extra: dict | None = None, **info: object) -> dict:
        orders = [{"fieldName": "_id", "isAsc": True}]
        search = {"limit": 100, "offset": 0, "orders": orders, "filters": []} | info
        data = {"dataObjectApiName": name, "find_explicit_total_num": True, "search_query_info": search}
        return self.post(path, {"data": data} | (extra or {}))

    def count(self, *filters: tuple) -> int:
        """How many accounts pass all filters of (name, operator, values…)."""
        parts = [{"field_name": name, "operator": kind, "field_values": list(v)} for name, kind, *v in filters]
        return self.query(filters=parts)["data"]["total"]
