"""Bulk read: jobs that take their time and end in a zipped CSV file."""

from __future__ import annotations

import csv
import io
import itertools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.fakes.exchange import Answer, Request
from tests.fakes.limits import Window
from tests.fakes.zoho_errors import ZohoError
from tests.fakes.zoho_store import SORTS, Field, Module, Row, Store

PATH = "/crm/bulk/v8/read"


@dataclass
class Job:
    """One bulk read; `rows` are its page, `states` what its next polls will see."""

    key: str
    module: str
    fields: list[str]
    rows: list[Row]
    page: int
    more: bool
    states: list[str]

    def poll(self) -> str:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


class BulkReads:
    """Creates, advances and delivers jobs."""

    def __init__(self, store: Store, rows: int, polls: int, downloads: Window) -> None:
        self.store = store
        self.rows_per_job = rows
        self.polls = polls
        self.failing = False
        self.orphans: set[tuple[str, str]] = set()
        self._downloads = downloads
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(5725767000009000001)

    def handle(self, request: Request, check: Callable[[str], None]) -> Answer:
        """POST to create, GET {id} to poll, GET {id}/result to fetch; `check` refuses denied modules."""
        key, _, rest = request.path.removeprefix(PATH).strip("/").partition("/")
        if request.method == "POST" and not key:
            return self._create(request, check)
        job = self._jobs.get(key)
        if request.method != "GET" or job is None or rest not in ("", "result"):
            raise ZohoError("INVALID_URL_PATTERN" if job is None else "INVALID_DATA")
        return self._result(job) if rest else self._poll(job)

    def _create(self, request: Request, check: Callable[[str], None]) -> Answer:
        query = (request.json or {}).get("query") or {}
        name = (query.get("module") or {}).get("api_name", "")
        with self.store.lock:
            module = self.store.module(name)
            check(name)
            fields = query.get("fields") or list(module.fields)
            unknown = [field for field in fields if field not in module.fields]
            if unknown:
                raise ZohoError("INVALID_DATA", fields=unknown)
            rows = self._matching(module, query.get("criteria"))
        page = int(str(query.get("page_token") or query.get("page") or 1).removeprefix("page-"))
        start = (page - 1) * self.rows_per_job
        picked = rows[start : start + self.rows_per_job]
        more = start + len(picked) < len(rows)
        job = Job(str(next(self._numbers)), name, fields, picked, page, more, self._states())
        self._jobs[job.key] = job
        details = {"id": job.key, "operation": "read", "state": "ADDED"}
        done = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully.", "details": details}
        return Answer(201, {"data": [done], "info": {}})

    def _states(self) -> list[str]:
        """What each poll sees: the last sees the end, those before it the way there."""
        way = ["QUEUED", *["IN PROGRESS"] * self.polls][: self.polls - 1]
        return [*way, "FAILURE" if self.failing else "COMPLETED"]

    def _matching(self, module: Module, criteria: dict[str, Any] | None) -> list[Row]:
        rows = sorted(module.rows.values(), key=SORTS["id"])
        if self.orphans:
            rows = [row for row in rows if (module.name, str(row.number)) not in self.orphans]
        if criteria:
            matches = criterion(criteria, module.fields)
            rows = [row for row in rows if matches(row)]
        return rows

    def _poll(self, job: Job) -> Answer:
        state = job.poll()
        body: dict[str, Any] = {"id": job.key, "operation": "read", "state": state}
        body["query"] = {"module": {"api_name": job.module}, "fields": job.fields, "page": job.page}
        if state == "COMPLETED":
            body["result"] = {
                "page": job.page,
                "per_page": self.rows_per_job,
                "count": len(job.rows),
                "download_url": f"{PATH}/{job.key}/result",
                "more_records": job.more,
                "next_page_token": f"page-{job.page + 1}" if job.more else None,
            }
        elif state == "FAILURE":
            body["result"] = {"error_message": {"code": "INTERNAL_ERROR", "message": "the job failed"}}
        return Answer(200, {"data": [body]})

    def _result(self, job: Job) -> Answer:
        if job.states != ["COMPLETED"]:
            raise ZohoError("INVALID_DATA", state=job.states[0])
        if not self._downloads.take():
            raise ZohoError("TOO_MANY_REQUESTS")
        name = f'attachment; filename="{job.key}.zip"'
        headers = {"Content-Type": "application/octet-stream", "Content-Disposition": name}
        return Answer(200, zipped(f"{job.key}.csv", job), headers)


def zipped(name: str, job: Job) -> bytes:
    """The job's rows as one CSV file in a zip."""
    columns = [field for field in job.fields if field.lower() != "id"]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["Id", *columns])
    for row in job.rows:
        get = row.fields.get
        writer.writerow([row.number, *[as_text(get(column)) for column in columns]])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(name, text.getvalue().encode("utf-8"))
    return packed.getvalue()


def as_text(value: Any) -> Any:
    """Lookups are bare ids; lists are joined."""
    if isinstance(value, dict):
        return value["id"]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(item["name"] if isinstance(item, dict) else str(item) for item in value)
    return value


COMPARATORS: dict[str, Callable[[Any, Any], bool]] = {
    "equal": lambda value, wanted: value == wanted,
    "not_equal": lambda value, wanted: value != wanted,
    "greater_than": lambda value, wanted: value > wanted,
    "greater_equal": lambda value, wanted: value >= wanted,
    "less_than": lambda value, wanted: value < wanted,
    "less_equal": lambda value, wanted: value <= wanted,
    "between": lambda value, wanted: wanted[0] <= value <= wanted[1],
    "in": lambda value, wanted: value in wanted,
}


def criterion(criteria: dict[str, Any], fields: dict[str, Field]) -> Callable[[Row], bool]:
    """A test of rows, from one comparison or a group of them."""
    if "group" in criteria:
        parts = [criterion(part, fields) for part in criteria["group"]]
        combine = any if criteria.get("group_operator", "and").lower() == "or" else all
        return lambda row: combine(part(row) for part in parts)
    name = (criteria.get("field") or {}).get("api_name", "")
    compare = COMPARATORS.get(criteria.get("comparator", ""))
    if name not in fields or compare is None:
        raise ZohoError("INVALID_DATA", criteria=criteria)
    value_of = reader(fields[name])
    given = criteria.get("value")
    wanted = [value_of(item) for item in given] if isinstance(given, list) else value_of(given)
    return lambda row: (value := value_of(row.fields.get(name))) is not None and compare(value, wanted)


def reader(field: Field) -> Callable[[Any], Any]:
    """How values of a field compare: times by the moment, lookups and ids by the id, numbers as numbers."""
    if field.data_type == "datetime":
        return lambda value: datetime.fromisoformat(value) if value else None
    if field.data_type in ("integer", "double", "currency"):
        return lambda value: None if value in (None, "") else float(value)
    if field.data_type == "boolean":
        return lambda value: value if isinstance(value, bool) else str(value).lower() == "true"
    return lambda value: value["id"] if isinstance(value, dict) else value
