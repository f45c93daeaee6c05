"""The records of a Zoho tenant: added, changed, deleted, restored and merged in memory."""

from __future__ import annotations

import itertools
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Generic, Literal, TypeVar

from tests.fakes import zoho_fields
from tests.fakes.limits import Clock
from tests.fakes.zoho_errors import ZohoError
from tests.fakes.zoho_fields import Field

Key = tuple[Any, int]
Kind = Literal["recycle", "permanent"]
FIRST_ID = 5725767000000100001
MOST_ORDERS = 20
ITEM = TypeVar("ITEM")


class Ordered(Generic[ITEM]):
    """Rows sorted once, read in slices from either end, found again by the key of a row."""

    def __init__(self, rows: Iterable[ITEM], key: Callable[[ITEM], Key], descending: bool = False) -> None:
        self.rows = sorted(rows, key=key)
        self.keys = [key(row) for row in self.rows]
        self.descending = descending

    def __len__(self) -> int:
        return len(self.rows)

    def slice(self, start: int, size: int) -> list[ITEM]:
        if not self.descending:
            return self.rows[start : start + size]
        end = len(self.rows) - start
        return self.rows[max(0, end - size) : max(0, end)][::-1]

    def key_at(self, place: int) -> Key:
        return self.keys[len(self.keys) - 1 - place if self.descending else place]

    def after(self, key: Key) -> int:
        """The place of the first row beyond the key, whatever came or went meanwhile."""
        return len(self.keys) - bisect_left(self.keys, key) if self.descending else bisect_right(self.keys, key)


@dataclass(slots=True)
class Row:
    """A record as it is sent, and what it is sorted and referred to by."""

    number: int
    created: datetime
    modified: datetime
    fields: dict[str, Any]
    reference: dict[str, Any]  # shared by all lookups to this record, so that they follow its name
    converted: bool = False


@dataclass(slots=True)
class Deletion:
    """A line of the deleted records."""

    row: Row
    kind: Kind
    at: datetime


SORTS: dict[str, Callable[[Row], Key]] = {
    "id": lambda row: (0, row.number),
    "Created_Time": lambda row: (row.created, row.number),
    "Modified_Time": lambda row: (row.modified, row.number),
}


@dataclass
class Module:
    """One module: its fields, live rows, deletions, and the orders made of them so far."""

    name: str
    fields: dict[str, Field]
    rows: dict[str, Row] = field(default_factory=dict)
    deleted: dict[str, Deletion] = field(default_factory=dict)
    orders: dict[Any, Ordered] = field(default_factory=dict)

    @property
    def lookups(self) -> list[Field]:
        return [column for column in self.fields.values() if column.data_type == "lookup"]

    def order(self, label: Any, make: Callable[[], Ordered]) -> Ordered:
        """The order of that label, made again only after a write."""
        if label not in self.orders:
            if len(self.orders) >= MOST_ORDERS:
                self.orders.clear()
            self.orders[label] = make()
        return self.orders[label]


class Store:
    """All modules; every method is one step under one lock."""

    def __init__(self, clock: Clock, zone: timezone) -> None:
        self.clock = clock
        self.zone = zone
        self.lock = threading.RLock()
        self.modules = {
            name: Module(name, {column.api_name: column for column in zoho_fields.fields_of(name)})
            for name in zoho_fields.MODULES
        }
        self.owner = {"name": "Sales Desk", "id": str(FIRST_ID - 1000), "email": "sales.desk@example.com"}
        self._numbers = itertools.count(FIRST_ID)

    def module(self, name: str) -> Module:
        if name not in self.modules:
            raise ZohoError("INVALID_MODULE", resource_path_index=0)
        return self.modules[name]

    def written(self, moment: datetime) -> str:
        """A time as the vendor writes it: whole seconds, with the tenant's offset."""
        return moment.astimezone(self.zone).isoformat(timespec="seconds")

    def add(self, name: str, record: dict[str, Any], converted: bool = False) -> str:
        with self.lock:
            module = self.module(name)
            number = int(record.get("id") or next(self._numbers))
            created = self._moment(record.get("Created_Time")) or self._now()
            modified = self._moment(record.get("Modified_Time")) or created
            row = Row(number, created, modified, {}, {"name": None, "id": str(number)}, converted)
            row.fields = self._defaults(module, row)
            row.fields |= record | self._times(row) | {"id": str(number)}
            self._link(module, row, record)
            module.rows[str(number)] = row
            module.orders.clear()
            return str(number)

    def change(self, name: str, key: str, **fields: Any) -> None:
        """New values; Modified_Time moves to now unless it is given."""
        with self.lock:
            module = self.module(name)
            row = module.rows[key]
            row.modified = self._moment(fields.get("Modified_Time")) or self._now()
            row.fields |= fields | self._times(row)
            self._link(module, row, fields)
            module.orders.clear()

    def delete(self, name: str, key: str, kind: Kind = "recycle", at: datetime | None = None) -> None:
        """Into the recycle bin or away for good; what is in the bin may still go for good."""
        with self.lock:
            module = self.module(name)
            row = module.rows.pop(key, None) or module.deleted[key].row
            module.deleted[key] = Deletion(row, kind, (at or self._now()).replace(microsecond=0))
            module.orders.clear()

    def restore(self, name: str, key: str, touch: bool = False) -> None:
        """Back from the recycle bin, by default with the Modified_Time it had."""
        with self.lock:
            module = self.module(name)
            assert module.deleted[key].kind == "recycle", "only the recycle bin gives back"
            module.rows[key] = module.deleted.pop(key).row
            module.orders.clear()
            if touch:
                self.change(name, key)

    def merge(self, name: str, winner: str, loser: str) -> None:
        """The winner fills its gaps from the loser, which is deleted; children move to the winner."""
        with self.lock:
            module = self.module(name)
            kept, lost = module.rows[winner], module.rows[loser]
            gaps = {key: value for key, value in lost.fields.items() if kept.fields.get(key) in (None, "")}
            self.change(name, winner, **gaps)
            for child in self.modules.values():
                self._move_children(child, lost.reference, kept.reference)
            self.delete(name, loser, "permanent")

    def convert(self, key: str) -> None:
        """A lead becomes a customer and leaves the usual listing."""
        with self.lock:
            self.modules["Leads"].rows[key].converted = True
            self.change("Leads", key, Converted__s=True, Converted_Date_Time=self.written(self._now()))

    def widen(self, name: str, count: int) -> list[str]:
        """Custom fields for the module, filled in every record, present and future."""
        with self.lock:
            module = self.module(name)
            extra = zoho_fields.extra_fields(count)
            module.fields |= {column.api_name: column for column in extra}
            for row in module.rows.values():
                row.fields = self._defaults(module, row) | row.fields
            return [column.api_name for column in extra]

    def _defaults(self, module: Module, row: Row) -> dict[str, Any]:
        extra = {
            name: zoho_fields.extra_value(column, row.number % 1_000_000)
            for name, column in module.fields.items()
            if column.custom
        }
        people = {"Owner": self.owner, "Created_By": self.owner, "Modified_By": self.owner}
        return people | {"Tag": []} | extra

    def _times(self, row: Row) -> dict[str, str]:
        return {"Created_Time": self.written(row.created), "Modified_Time": self.written(row.modified)}

    def _link(self, module: Module, row: Row, given: dict[str, Any]) -> None:
        """Turn lookups given as ids into shared references, and keep the record's own name."""
        if module.name == "Contacts" and not row.fields.get("Full_Name"):
            names = (row.fields.get("First_Name"), row.fields.get("Last_Name"))
            row.fields["Full_Name"] = " ".join(name for name in names if name)
        row.reference["name"] = row.fields.get(zoho_fields.NAMED_BY[module.name])
        for column in module.lookups:
            value = given.get(column.api_name)
            if value is None:
                continue
            key = value["id"] if isinstance(value, dict) else str(value)
            target = self.modules[column.target].rows.get(key)
            row.fields[column.api_name] = target.reference if target else {"name": None, "id": key}

    def _move_children(self, module: Module, lost: dict[str, Any], kept: dict[str, Any]) -> None:
        names = [column.api_name for column in module.lookups]
        for key, row in module.rows.items():
            moved = {name: kept for name in names if row.fields.get(name) is lost}
            if moved:
                self.change(module.name, key, **moved)

    def _now(self) -> datetime:
        return self.clock().replace(microsecond=0)

    def _moment(self, value: Any) -> datetime | None:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"a time without an offset: {value}")
        return moment.replace(microsecond=0) if moment else None
