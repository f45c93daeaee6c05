"""A fake of the 纷享销客 OpenAPI: tokens in two styles, descriptions and queries of objects."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from typing import Any, Literal

import orjson

from tests.fakes import fxiaoke_query
from tests.fakes.exchange import Answer, FakeApp, Request
from tests.fakes.fxiaoke_errors import BAD_PARAMETERS, DAY_USED_UP, NO_QUOTA, TOO_OFTEN, FxiaokeError, reply
from tests.fakes.fxiaoke_store import Row, Store
from tests.fakes.fxiaoke_tokens import NEW_PATH, OLD_PATH, Credentials, Tokens, given_token
from tests.fakes.limits import Clock, Window, real_time

USER = "/cgi/user/getByMobile"
DESCRIBE = "/cgi/crm/v2/object/describe"
PRESET = "/cgi/crm/v2/data/query"
CUSTOM = "/cgi/crm/custom/v2/data/query"
BEIJING = timezone(timedelta(hours=8))


@dataclass
class Failure:
    """A number to answer, `times` more often, to calls whose path contains `path`."""

    code: int
    times: int
    path: str
    after: int


class FakeFxiaoke(FakeApp):
    """One tenant. HTTP is always 200; the outcome is `errorCode`."""

    def __init__(
        self,
        clock: Clock = real_time,
        credentials: Credentials | None = None,
        *,
        envelope: Literal["data", "result"] = "data",
        total_name: Literal["total", "totalSize"] = "total",
        shows_invalid: bool = False,
        calls: int | None = 100,
        calls_seconds: float = 20.0,
        daily_calls: int | None = 100_000,
        mint_latency: float = 0.01,
    ) -> None:
        self.clock = clock
        self.credentials = credentials or Credentials()
        self.envelope = envelope
        self.total_name = total_name
        self.shows_invalid = shows_invalid  # whether 作废 rows appear in queries
        self.daily_calls = daily_calls  # None: no limit, 0: no pack bought
        self.store = Store(clock)
        self.tokens = Tokens(self.credentials, clock, mint_latency)
        self._windows = {path: Window(calls, calls_seconds, clock) for path in (USER, DESCRIBE, PRESET, CUSTOM)}
        self._traces: set[str] = set()
        self._day: tuple[Any, int] = (None, 0)
        self._failures: list[Failure] = []
        self._lock = threading.Lock()

    # --- the tenant's data

    def define(self, object_name: str, fields: str) -> None:
        """A further object, its fields written as in `fxiaoke_fields.OBJECTS`."""
        self.store.define(object_name, fields)

    def add(self, object_name: str, record: Row) -> str:
        """A new row (times as ms or datetime). Returns its `_id`."""
        return self.store.add(object_name, record)

    def change(self, object_name: str, id: str, **fields: Any) -> None:
        self.store.change(object_name, id, **fields)

    def invalidate(self, object_name: str, id: str) -> None:
        """作废: the first step of deletion."""
        self.store.change(object_name, id, life_status="invalid", is_deleted=True)

    def recover(self, object_name: str, id: str) -> None:
        """Undo 作废."""
        self.store.change(object_name, id, life_status="normal", is_deleted=False)

    def remove(self, object_name: str, id: str) -> None:
        """Delete what is invalid, for good."""
        self.store.remove(object_name, id)

    def records(self, object_name: str) -> dict[str, Row]:
        """All rows by `_id`, invalid ones too, to compare with what a client has."""
        with self.store.lock:
            return dict(self.store.thing(object_name).rows)

    # --- its moods

    def fail_with(self, code: int, times: int = 1, path: str = "/cgi/", after: int = 0) -> None:
        """Answer the next calls with this errorCode; by default data calls and old-style mints."""
        with self._lock:
            self._failures.append(Failure(code, times, path, after))

    def revoke_tokens(self) -> None:
        self.tokens.revoke()

    # --- what the server asks

    def is_token(self, request: Request) -> bool:
        return request.path in (NEW_PATH, OLD_PATH)

    def listing(self, request: Request) -> str | None:
        if request.path not in (PRESET, CUSTOM):
            return None
        data = _body(request).get("data")
        info = data.get("search_query_info") if isinstance(data, dict) else None
        if not isinstance(info, dict):
            return None
        first = fxiaoke_query.looped(info)
        return f"{data.get('dataObjectApiName')} {orjson.dumps(first, option=orjson.OPT_SORT_KEYS).decode()}"

    def revoke(self, request: Request) -> None:
        self.tokens.revoke(given_token(request, _body(request)))

    def looped(self, request: Request, fresh: bool) -> Answer:
        body = _body(request)
        data = body["data"]
        data = data | {"search_query_info": fxiaoke_query.looped(data["search_query_info"])}
        return self.handle(replace(request, body=orjson.dumps(body | {"data": data})))

    def handle(self, request: Request) -> Answer:
        try:
            return self._respond(request)
        except FxiaokeError as error:
            return error.answer()

    def _respond(self, request: Request) -> Answer:
        self._check_trace(request)
        self._fail_as_told(request.path)
        if self.is_token(request):
            return self.tokens.mint(request)
        responders: dict[str, Callable[[dict[str, Any]], Answer]] = {
            USER: self._user,
            DESCRIBE: self._describe,
            PRESET: lambda body: self._query(body, "Obj"),
            CUSTOM: lambda body: self._query(body, "__c"),
        }
        if request.method != "POST" or request.path not in responders:
            raise FxiaokeError(BAD_PARAMETERS, f"{request.method} {request.path}")
        body = _body(request)
        self.tokens.check(request, body, with_user=request.path != USER)
        self._spend(request.path)
        with self.store.lock:
            return responders[request.path](body)

    def _check_trace(self, request: Request) -> None:
        """Every call brings a UUID4 of its own."""
        text = request.params.get("thirdTraceId", "")
        try:
            is_uuid4 = uuid.UUID(text).version == 4
        except ValueError:
            is_uuid4 = False
        with self._lock:
            if not is_uuid4 or text in self._traces:
                raise FxiaokeError(BAD_PARAMETERS, "thirdTraceId")
            self._traces.add(text)

    def _fail_as_told(self, path: str) -> None:
        with self._lock:
            for failure in self._failures:
                if failure.times < 1 or failure.path not in path:
                    continue
                if failure.after:
                    failure.after -= 1
                    continue
                failure.times -= 1
                raise FxiaokeError(failure.code)

    def _spend(self, path: str) -> None:
        """One call of this interface's window and of the day's pack."""
        if self.daily_calls == 0:
            raise FxiaokeError(NO_QUOTA)
        if not self._windows[path].take():
            raise FxiaokeError(TOO_OFTEN)
        with self._lock:
            today = self.clock().astimezone(BEIJING).date()
            used = self._day[1] if self._day[0] == today else 0
            if self.daily_calls is not None and used >= self.daily_calls:
                raise FxiaokeError(DAY_USED_UP)
            self._day = (today, used + 1)

    # --- the calls

    def _user(self, body: dict[str, Any]) -> Answer:
        if str(body.get("mobile", "")) != self.credentials.mobile:
            return reply({"empList": []})
        return reply({"empList": [{"openUserId": self.credentials.open_user_id, "name": "接口用户"}]})

    def _describe(self, body: dict[str, Any]) -> Answer:
        # Some callers wrap the parameters in `data`, as the other interfaces want them.
        given = body.get("data") if isinstance(body.get("data"), dict) else body
        thing = self.store.thing(str(given.get("apiName")))
        fields = {name: field.described() for name, field in thing.fields.items()}
        return reply({"data": {"describe": {"api_name": thing.name, "fields": fields}}})

    def _query(self, body: dict[str, Any], ending: str) -> Answer:
        data = body.get("data")
        if not isinstance(data, dict) or not isinstance(data.get("search_query_info"), dict):
            raise FxiaokeError(BAD_PARAMETERS, "data")
        name = str(data.get("dataObjectApiName"))
        if not name.endswith(ending):
            raise FxiaokeError(BAD_PARAMETERS, f"{name} is not of this interface")
        found = fxiaoke_query.search(self.store.thing(name), data["search_query_info"], self.shows_invalid)
        result: dict[str, Any] = {"dataList": found.rows, "offset": found.offset, "limit": found.limit}
        if data.get("find_explicit_total_num"):
            result[self.total_name] = found.total
        return reply({self.envelope: result})


def _body(request: Request) -> dict[str, Any]:
    body = request.json
    return body if isinstance(body, dict) else {}
