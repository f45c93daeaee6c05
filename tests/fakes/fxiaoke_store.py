"""The rows of a 纷享销客 tenant, kept as they are sent: no nulls, times in ms, numbers as strings."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes import fxiaoke_fields
from tests.fakes.fxiaoke_errors import BAD_PARAMETERS, FxiaokeError
from tests.fakes.fxiaoke_fields import LISTS, NUMBERS, TIMES, Field
from tests.fakes.limits import Clock

Row = dict[str, Any]
# A process-like prefix and a counter: 24 hexadecimal digits that sort in order of creation.
ID_PREFIX = "65a1b2c3d4e5f607"
MOST_ORDERS = 20


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@dataclass
class Thing:
    """One object (in the vendor's sense): its fields, rows and the selections made of them so far."""

    name: str
    fields: dict[str, Field]
    rows: dict[str, Row] = field(default_factory=dict)
    selections: dict[str, Selection] = field(default_factory=dict)

    def selection(self, label: str, make: Callable[[], Selection]) -> Selection:
        """The selection of that label, made again only after a write."""
        if label not in self.selections:
            if len(self.selections) >= MOST_ORDERS:
                self.selections.clear()
            self.selections[label] = make()
        return self.selections[label]


class Selection:
    """Filtered and ordered rows; by `_id` when that is their order, so that a range of ids is found at once."""

    def __init__(self, rows: list[Row], by_id: bool) -> None:
        self.rows = rows
        self.ids = [row["_id"] for row in rows] if by_id else []

    def start(self, bounds: list[tuple[str, str]]) -> int:
        """Where the rows beyond all lower bounds (GT or GTE an `_id`) begin."""
        places = [
            bisect_right(self.ids, bound) if kind == "GT" else bisect_left(self.ids, bound) for kind, bound in bounds
        ]
        return max(places, default=0)


class Store:
    """All objects; every method is one step under one lock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.things = {name: Thing(name, fxiaoke_fields.fields_of(name)) for name in fxiaoke_fields.OBJECTS}
        self._number = 0

    def thing(self, name: str) -> Thing:
        if name not in self.things:
            raise FxiaokeError(BAD_PARAMETERS, f"dataObjectApiName {name}")
        return self.things[name]

    def define(self, name: str, text: str) -> None:
        """A further object; fields as in `fxiaoke_fields.OBJECTS`."""
        own = {column.name: column for column in fxiaoke_fields.parse(text)}
        common = {column.name: column for column in fxiaoke_fields.EVERYWHERE}
        self.things[name] = Thing(name, common | own)

    def add(self, name: str, record: Row) -> str:
        with self.lock:
            thing = self.thing(name)
            self._number += 1
            now = milliseconds(self.clock())
            row: Row = {
                "_id": f"{ID_PREFIX}{self._number:08x}",
                "create_time": now,
                "last_modified_time": record.get("create_time", now),
                "created_by": ["1000"],
                "last_modified_by": ["1000"],
                "owner": ["1000"],
                "data_own_department": ["999998"],
                "record_type": "default__c",
                "life_status": "normal",
                "lock_status": "0",
                "is_deleted": False,
                "version": "1",
            }
            row = self._sent(thing, row | record)
            thing.rows[row["_id"]] = row
            thing.selections.clear()
            return row["_id"]

    def change(self, name: str, key: str, **fields: Any) -> None:
        """New values; last_modified_time moves to now unless it is given."""
        with self.lock:
            thing = self.thing(name)
            row = thing.rows[key]
            version = str(int(row["version"]) + 1)
            changes = {"last_modified_time": milliseconds(self.clock()), "version": version} | fields
            thing.rows[key] = self._sent(thing, row | changes)
            thing.selections.clear()

    def remove(self, name: str, key: str) -> None:
        with self.lock:
            thing = self.thing(name)
            assert thing.rows[key]["is_deleted"], "only what is invalid can be deleted"
            del thing.rows[key]
            thing.selections.clear()

    def _sent(self, thing: Thing, row: Row) -> Row:
        return {
            name: sent_value(thing.fields[name].type if name in thing.fields else "text", value)
            for name, value in row.items()
            if value is not None and value != ""
        }


def sent_value(kind: str, value: Any) -> Any:
    """A value as the vendor writes it."""
    if kind in TIMES:
        return milliseconds(value) if isinstance(value, datetime) else value
    if kind in NUMBERS:
        return str(value)
    if kind in LISTS:
        return value if isinstance(value, list) else [str(value)]
    return value
