"""A fake of Zoho CRM v8: accounts server, listings, deleted records, counts, fields and bulk reads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.fakes.exchange import Answer, FakeApp, Request
from tests.fakes.limits import Clock, Window, real_time
from tests.fakes.zoho_bulk import PATH as BULK
from tests.fakes.zoho_bulk import BulkReads
from tests.fakes.zoho_errors import ErrorShaper, Shape, ZohoError
from tests.fakes.zoho_paging import Pager
from tests.fakes.zoho_store import SORTS, Deletion, Kind, Module, Ordered, Row, Store
from tests.fakes.zoho_tokens import Credentials, Tokens

DAY = 86_400.0
TOKEN_PATH = "/oauth/v2/token"
API = "/crm/v8/"
MOST_FIELDS = 50
MOST_IDS = 100
EIGHT_EAST = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class ZohoLimits:
    """The vendor's limits; tests lower them to reach them cheaply."""

    token_life: float = 3600.0
    mints: int = 10
    mint_seconds: float = 600.0
    first_rows: int = 2_000
    most_rows: int = 100_000
    page_token_life: float = DAY
    bulk_rows: int = 200_000
    bulk_polls: int = 3
    bulk_downloads: int = 10
    credits: int | None = 100_000
    concurrency: int | None = 10


class FakeZoho(FakeApp):
    """One tenant on one data centre."""

    def __init__(
        self,
        clock: Clock = real_time,
        limits: ZohoLimits | None = None,
        credentials: Credentials | None = None,
        *,
        zone: timezone = EIGHT_EAST,
        error_shape: Shape = "alternate",
        region: str | None = None,
        tokens: Tokens | None = None,
        latency: float = 0.0,
    ) -> None:
        limits = limits or ZohoLimits()
        self.limits = limits
        self.credentials = credentials or Credentials()
        self.clock = clock
        self.region = region  # the API host of another data centre; None is this server
        self.latency = latency  # seconds each API call takes, so that concurrency shows
        self.store = Store(clock, zone)
        self.errors = ErrorShaper(error_shape)
        self.tokens = tokens or Tokens(self.credentials, limits.token_life, limits.mints, limits.mint_seconds, clock)
        self.pager = Pager(limits.first_rows, limits.most_rows, limits.page_token_life, clock)
        self.bulk = BulkReads(
            self.store, limits.bulk_rows, limits.bulk_polls, Window(limits.bulk_downloads, 60.0, clock)
        )
        self._credits = Window(limits.credits, DAY, clock)
        self._refusals: dict[str, ZohoError] = {}
        self._running = 0
        self._lock = threading.Lock()

    # --- the tenant's data

    def add(self, module: str, record: dict[str, Any], converted: bool = False) -> str:
        """A new record; times may be given, lookups as ids. Returns its id."""
        return self.store.add(module, record, converted)

    def change(self, module: str, id: str, **fields: Any) -> None:
        self.store.change(module, id, **fields)

    def delete(self, module: str, id: str, kind: Kind = "recycle", at: datetime | None = None) -> None:
        self.store.delete(module, id, kind, at)

    def restore(self, module: str, id: str, touch: bool = False) -> None:
        self.store.restore(module, id, touch)

    def merge(self, module: str, winner: str, loser: str) -> None:
        self.store.merge(module, winner, loser)

    def convert(self, lead: str) -> None:
        self.store.convert(lead)

    def widen(self, module: str, count: int) -> list[str]:
        """Add custom fields to a module, with values; returns their names."""
        return self.store.widen(module, count)

    def records(self, module: str) -> dict[str, dict[str, Any]]:
        """The live records by id, to compare with what a client has."""
        with self.store.lock:
            return {key: dict(row.fields) for key, row in self.store.module(module).rows.items()}

    # --- its moods

    def refuse(self, module: str, code: str = "NO_PERMISSION", status: int | None = None) -> None:
        """Refuse all calls for a module ("*": every call) until `allow`."""
        self._refusals[module] = ZohoError(code, status)

    def allow(self, module: str) -> None:
        self._refusals.pop(module, None)

    def omit_from_bulk(self, module: str, *ids: str) -> None:
        """Orphan rows: paging returns them, bulk does not."""
        self.bulk.orphans |= {(module, key) for key in ids}

    def fail_bulk(self, failing: bool = True) -> None:
        """Whether new jobs end in FAILURE."""
        self.bulk.failing = failing

    def revoke_tokens(self) -> None:
        self.tokens.revoke()

    # --- what the server asks

    def is_token(self, request: Request) -> bool:
        return request.path == TOKEN_PATH

    def listing(self, request: Request) -> str | None:
        name, action = _split(request.path)
        if request.method != "GET" or name in ("", "settings") or action not in ("", "deleted"):
            return None
        if request.params.get("ids"):
            return None
        return "\n".join(map(str, self._bound_to(request, "")))

    def revoke(self, request: Request) -> None:
        self.tokens.revoke(request)

    def looped(self, request: Request, fresh: bool) -> Answer:
        answer = self.handle(request)
        if answer.status != 200:
            return answer
        info = dict(answer.body["info"])
        # From the first page on to the second, from anywhere else back to the first.
        if info["page"] > 1 or not info["next_page_token"]:
            info["next_page_token"] = self.pager.back(self._bound_to(request, self.tokens.user_of(request)), fresh)
        return replace(answer, body=answer.body | {"info": info | {"more_records": True}})

    def handle(self, request: Request) -> Answer:
        if self.is_token(request):
            return self.tokens.mint(request, self.region or f"http://{request.headers.get('host')}")
        with self._lock:
            self._running += 1
            crowded = self.limits.concurrency is not None and self._running > self.limits.concurrency
        try:
            answer = self._within_limits(request, crowded)
        except ZohoError as error:
            answer = self.errors.answer(error)
        finally:
            with self._lock:
                self._running -= 1
        return self._with_credits(answer)

    def _within_limits(self, request: Request, crowded: bool) -> Answer:
        if self.region:
            # Tokens of one data centre mean nothing on another.
            raise ZohoError("INVALID_TOKEN")
        user = self.tokens.user_of(request)
        if crowded or not self._credits.take():
            raise ZohoError("TOO_MANY_REQUESTS")
        if self.latency:
            time.sleep(self.latency)
        self._check("*")
        if request.path.startswith(BULK):
            return self.bulk.handle(request, self._check)
        if request.method != "GET" or not request.path.startswith(API):
            raise ZohoError("INVALID_URL_PATTERN")
        return self._get(request, user)

    def _get(self, request: Request, user: str) -> Answer:
        name, action = _split(request.path)
        if (name, action) == ("settings", "fields"):
            name = request.params.get("module", "")
        with self.store.lock:
            module = self.store.module(name)
            self._check(name)
            respond = self._responder(request.path, action)
            return respond(request, module, user)

    def _responder(self, path: str, action: str) -> Callable[[Request, Module, str], Answer]:
        if path == API + "settings/fields":
            return self._fields
        responders = {"": self._list, "deleted": self._deleted, "actions/count": self._count}
        if action not in responders:
            raise ZohoError("INVALID_URL_PATTERN")
        return responders[action]

    def _check(self, module: str) -> None:
        if module in self._refusals:
            raise self._refusals[module]

    def _with_credits(self, answer: Answer) -> Answer:
        """The remaining credits, told only once half of them are gone."""
        most, used = self.limits.credits, self._credits.used()
        if most is None or used * 2 < most:
            return answer
        return replace(answer, headers={**answer.headers, "X-API-CREDITS-REMAINING": str(most - used)})

    # --- the calls

    def _fields(self, request: Request, module: Module, user: str) -> Answer:
        return Answer(200, {"fields": [field.described() for field in module.fields.values()]})

    def _count(self, request: Request, module: Module, user: str) -> Answer:
        rows = module.rows.values()
        wanted = request.params.get("converted", "both")
        if wanted == "both":
            return Answer(200, {"count": len(rows)})
        return Answer(200, {"count": sum(row.converted == (wanted == "true") for row in rows)})

    def _list(self, request: Request, module: Module, user: str) -> Answer:
        names = [name.strip() for name in request.params.get("fields", "").split(",") if name.strip()]
        if not names:
            raise ZohoError("REQUIRED_PARAM_MISSING", param_name="fields")
        if len(names) > MOST_FIELDS:
            raise ZohoError("LIMIT_EXCEEDED", param_name="fields", limit=MOST_FIELDS)
        sort_by, sort_order, rows = self._rows(request, module)
        page = self.pager.page(rows, request.params, self._bound_to(request, user))
        if not page.rows:
            return Answer(304 if "if-modified-since" in request.headers else 204)
        names = ["id", *[name for name in names if name in module.fields and name != "id"]]
        data = []
        for row in page.rows:
            get = row.fields.get
            data.append({name: get(name) for name in names})
        return Answer(200, {"data": data, "info": page.info | {"sort_by": sort_by, "sort_order": sort_order}})

    def _rows(self, request: Request, module: Module) -> tuple[str, str, Ordered[Row]]:
        """The listing's rows in order, from the cache of orders where nothing was written since."""
        params = request.params
        sort_by, sort_order = params.get("sort_by", "id"), params.get("sort_order", "desc")
        if sort_by not in SORTS or sort_order not in ("asc", "desc"):
            raise ZohoError("INVALID_DATA", param_name="sort_by" if sort_by not in SORTS else "sort_order")
        ids, since = _by_ids(request), _since(request)
        converted = params.get("converted", "false") if module.name == "Leads" else "both"
        if converted not in ("true", "false", "both"):
            raise ZohoError("INVALID_DATA", param_name="converted")

        def make() -> Ordered[Row]:
            found = (module.rows[key] for key in ids if key in module.rows) if ids else module.rows.values()
            rows = (row for row in found if converted == "both" or row.converted == (converted == "true"))
            newer = (row for row in rows if since is None or row.modified > since)
            return Ordered(newer, SORTS[sort_by], sort_order == "desc")

        if ids:
            return sort_by, sort_order, make()
        return sort_by, sort_order, module.order((sort_by, sort_order, converted, since), make)

    def _deleted(self, request: Request, module: Module, user: str) -> Answer:
        kind, since = request.params.get("type", "all"), _since(request)
        if kind not in ("all", "recycle", "permanent"):
            raise ZohoError("INVALID_DATA", param_name="type")

        def make() -> Ordered[Deletion]:
            wanted = (line for line in module.deleted.values() if kind in ("all", line.kind))
            newer = (line for line in wanted if since is None or line.at > since)
            return Ordered(newer, lambda line: (line.at, line.row.number))

        rows = module.order(("deleted", kind, since), make)
        page = self.pager.page(rows, request.params, self._bound_to(request, user))
        if not page.rows:
            return Answer(304 if since else 204)
        return Answer(200, {"data": [self._deletion(line) for line in page.rows], "info": page.info})

    def _deletion(self, line: Deletion) -> dict[str, Any]:
        # What is gone for good has lost its name and who deleted it.
        known = line.kind == "recycle"
        return {
            "id": str(line.row.number),
            "type": line.kind,
            "deleted_time": self.store.written(line.at),
            "display_name": line.row.reference["name"] if known else None,
            "deleted_by": {key: self.store.owner[key] for key in ("name", "id")} if known else None,
        }

    def _bound_to(self, request: Request, user: str) -> tuple[Any, ...]:
        """What a page token must be used with again."""
        params = {key: value for key, value in request.params.items() if key not in ("page", "page_token")}
        return (user, request.path, *sorted(params.items()), request.headers.get("if-modified-since"))


def _split(path: str) -> tuple[str, str]:
    """Module and action of a path below /crm/v8/."""
    if not path.startswith(API):
        return "", ""
    name, _, action = path.removeprefix(API).strip("/").partition("/")
    return name, action


def _by_ids(request: Request) -> list[str]:
    ids = [key for key in request.params.get("ids", "").split(",") if key]
    if len(ids) > MOST_IDS:
        raise ZohoError("LIMIT_EXCEEDED", param_name="ids", limit=MOST_IDS)
    return ids


def _since(request: Request) -> datetime | None:
    text = request.headers.get("if-modified-since")
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment
    raise ZohoError("INVALID_DATA", header="If-Modified-Since")
