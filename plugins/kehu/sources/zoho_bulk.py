"""Zoho's bulk read, for first loads: a job per 200,000 rows, each a zipped CSV; rows come shaped as in listings.

Bulk files hold bare ids for look-ups, no names; whatever a type does not tell stays text.
"""

from __future__ import annotations

import csv
import io
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import IO, Any

from pyrate_limiter import Limiter

from kehu.sources.contract import SourceUnavailable
from kehu.sources.http import Answer, TransientError
from kehu.sources.values import instant
from kehu.sources.zoho_api import ZohoApi
from kehu.sources.zoho_pages import CHANGED, Row

PATH = "/crm/bulk/v8/read"
MAX_UNPACKED = 1 << 30  # bytes of one job's rows; more is a mistake or a zip bomb
ROWS_A_PAGE = 1_000
WAIT_SECONDS = 3_600.0
csv.field_size_limit(1 << 24)  # rich text is longer than the module's default
BOOLEANS: Mapping[str, Any] = {"true": True, "false": False}


class BulkRead:
    """One bulk reading of a module.

    `newest` is the newest time of change of the first job: later jobs see changes that the first one missed.
    """

    def __init__(
        self,
        source: str,
        api: ZohoApi,
        module: str,
        types: Mapping[str, str],
        downloads: Limiter,
        poll_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source, self._api, self._module, self._types = source, api, module, types
        self._downloads, self._poll_seconds, self._sleep = downloads, poll_seconds, sleep
        self.newest: datetime | None = None

    def pages(self) -> Iterator[list[Row]]:
        """All rows, a thousand at a time."""
        number = 1
        position: dict[str, Any] = {"page": number}
        tokens: set[str] = set()
        while True:
            job = self._finished(self._create(position))
            for rows in self._rows(job):
                if number == 1:
                    times = [time for time in (instant(row.get(CHANGED)) for row in rows) if time]
                    self.newest = max([*times, self.newest] if self.newest else times, default=None)
                yield rows
            if not job["result"].get("more_records"):
                return
            token = job["result"].get("next_page_token")
            if token in tokens:
                raise SourceUnavailable(self._source, PATH, "the cursor leads back to a page that was read")
            tokens |= {token} if token else set()
            number += 1
            position = {"page_token": token} if token else {"page": number}

    def _create(self, position: Mapping[str, Any]) -> str:
        query = {"module": {"api_name": self._module}, "fields": list(self._types), **position}
        answer = self._api.call("POST", PATH, self._module, json={"query": query}, refused=_details)
        return str(_details(answer)["id"])

    def _finished(self, job_id: str) -> dict[str, Any]:
        """Wait for a job; return what it says of its result."""
        for _ in range(max(1, int(WAIT_SECONDS / self._poll_seconds))):
            answer = self._api.call("GET", f"{PATH}/{job_id}", self._module, refused=_state)
            job = _state(answer)
            if job["state"] == "COMPLETED":
                return job
            if job["state"] == "FAILURE":
                raise SourceUnavailable(self._source, PATH, f"the bulk job of {self._module} failed")
            self._sleep(self._poll_seconds)
        raise SourceUnavailable(self._source, PATH, f"the bulk job of {self._module} did not end")

    def _rows(self, job: Mapping[str, Any]) -> Iterator[list[Row]]:
        self._downloads.try_acquire("downloads")
        path = f"{PATH}/{job['id']}/result"
        answer = self._api.call("GET", path, self._module, expect="file", refused=_refuse_broken_zip)
        assert answer.file is not None
        count = 0
        with answer.file as file:
            try:
                for rows in _csv_pages(file, self._types):
                    count += len(rows)
                    yield rows
            except (ValueError, csv.Error):
                raise SourceUnavailable(self._source, PATH, "a bulk file that is not readable as CSV") from None
        if count != int(job["result"].get("count", count)):
            raise SourceUnavailable(self._source, PATH, "a bulk file with fewer or more rows than its job says")


def _details(answer: Answer) -> Mapping[str, Any]:
    try:
        details = answer.json["data"][0]["details"]
        if details["id"]:
            return details
    except (KeyError, IndexError, TypeError):
        pass
    raise TransientError("an answer of another shape")


def _state(answer: Answer) -> dict[str, Any]:
    try:
        job = answer.json["data"][0]
        if job["id"] and (job["state"] != "COMPLETED" or isinstance(job["result"], dict)):
            return job
    except (KeyError, IndexError, TypeError):
        pass
    raise TransientError("an answer of another shape")


def _refuse_broken_zip(answer: Answer) -> None:
    assert answer.file is not None
    try:
        with zipfile.ZipFile(answer.file) as archive:
            # No part is unpacked further than its own entry says.
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise TransientError(f"a zip file of more than {MAX_UNPACKED} bytes unpacked")
            is_whole = archive.testzip() is None and len(archive.namelist()) == 1
    except (zipfile.BadZipFile, zlib.error, EOFError):
        is_whole = False
    if not is_whole:
        answer.file.close()
        raise TransientError("a zip file that is damaged or cut")
    answer.file.seek(0)


def _csv_pages(file: IO[bytes], types: Mapping[str, str]) -> Iterator[list[Row]]:
    with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as member:
        reader = csv.reader(io.TextIOWrapper(member, "utf-8-sig", newline=""))
        header = next(reader, [])
        page: list[Row] = []
        for cells in reader:
            page.append(
                {
                    "id" if name == "Id" else name: _value(cell, types.get(name, ""))
                    for name, cell in zip(header, cells, strict=True)
                }
            )
            if len(page) == ROWS_A_PAGE:
                yield page
                page = []
        if page:
            yield page


def _value(cell: str, data_type: str) -> Any:
    """A cell as a listing would tell it."""
    if cell == "":
        return None
    if data_type in ("lookup", "ownerlookup", "userlookup"):
        return {"id": cell}
    if data_type == "boolean":
        return BOOLEANS.get(cell.lower(), cell)
    if data_type == "multiselectpicklist":
        return cell.split(";")
    if data_type in ("integer", "bigint", "double", "currency", "percent", "decimal"):
        return _number(cell)
    return cell


def _number(cell: str) -> Any:
    try:
        number = Decimal(cell)
    except InvalidOperation:
        return cell
    return number if number.is_finite() else cell
