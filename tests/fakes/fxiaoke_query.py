"""Queries: filters, orders, projection, and the limits of a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.fxiaoke_errors import BAD_PARAMETERS, OFFSET_TOO_LARGE, FxiaokeError
from tests.fakes.fxiaoke_fields import NUMBERS, TIMES
from tests.fakes.fxiaoke_store import Row, Selection, Thing

LARGEST_PAGE = 100
LARGEST_OFFSET = 10_000
Test = Callable[[Row], bool]


@dataclass(frozen=True)
class Filter:
    """One condition, with values as they compare."""

    field: str
    operator: str
    values: list[Any]


@dataclass(frozen=True)
class Found:
    """A page of rows, of how many."""

    rows: list[Row]
    offset: int
    limit: int
    total: int


def looped(info: dict[str, Any]) -> dict[str, Any]:
    """The query of the first page: no offset and no way to get beyond an `_id`."""
    filters = [part for part in info.get("filters") or [] if not _is_bound(part)]
    return info | {"filters": filters, "offset": 0}


def _is_bound(part: dict[str, Any]) -> bool:
    return part.get("field_name") == "_id" and part.get("operator") in ("GT", "GTE")


def search(thing: Thing, info: dict[str, Any], shows_invalid: bool) -> Found:
    """The page that `search_query_info` asks for."""
    limit, offset = _window(info)
    filters = [_filter(thing, part) for part in info.get("filters") or []]
    orders = [_order(thing, part) for part in info.get("orders") or []] or [("last_modified_time", False)]
    by_id = orders[0] == ("_id", True)
    # Bounds on the ids are found in the order itself, so that page after page shares one selection.
    bounds = [part for part in filters if by_id and part.field == "_id" and part.operator in ("GT", "GTE")]
    others = [part for part in filters if part not in bounds]
    label = json.dumps([[vars(part) for part in others], orders, shows_invalid], default=str)
    selection = thing.selection(label, lambda: _select(thing, others, orders, shows_invalid))
    first = selection.start([(part.operator, str(part.values[0])) for part in bounds])
    rows = selection.rows[first + offset : first + offset + limit]
    names = info.get("fieldProjection")
    return Found(_projected(rows, names) if names else rows, offset, limit, len(selection.rows) - first)


def _window(info: dict[str, Any]) -> tuple[int, int]:
    limit, offset = info.get("limit", 20), info.get("offset", 0)
    if not isinstance(limit, int) or not isinstance(offset, int) or not 1 <= limit <= LARGEST_PAGE or offset < 0:
        raise FxiaokeError(BAD_PARAMETERS, "limit, offset")
    if offset > LARGEST_OFFSET:
        raise FxiaokeError(OFFSET_TOO_LARGE)
    if offset % limit:
        raise FxiaokeError(BAD_PARAMETERS, "offset is no multiple of limit")
    return limit, offset


def _select(thing: Thing, filters: list[Filter], orders: list[tuple[str, bool]], shows_invalid: bool) -> Selection:
    tests = [_test(thing, part) for part in filters]
    rows = [
        row
        for row in thing.rows.values()
        if (shows_invalid or not row["is_deleted"]) and all(test(row) for test in tests)
    ]
    # Sorting is stable: the last order first, the first order last.
    for name, ascending in reversed(orders):
        value_of = _reader(thing, name)
        rows.sort(key=lambda row, value_of=value_of: _sortable(value_of(row)), reverse=not ascending)
    return Selection(rows, orders[0] == ("_id", True))


def _projected(rows: list[Row], names: list[str]) -> list[Row]:
    wanted = dict.fromkeys(["_id", *names])
    return [{name: row[name] for name in wanted if name in row} for row in rows]


def _order(thing: Thing, part: dict[str, Any]) -> tuple[str, bool]:
    name = part.get("fieldName", "")
    if name not in thing.fields:
        raise FxiaokeError(BAD_PARAMETERS, f"orders: {name}")
    return name, bool(part.get("isAsc", True))


def _filter(thing: Thing, part: dict[str, Any]) -> Filter:
    name, operator, values = part.get("field_name", ""), part.get("operator", ""), part.get("field_values", [])
    if name not in thing.fields or operator not in OPERATORS or not isinstance(values, list):
        raise FxiaokeError(BAD_PARAMETERS, f"filters: {name} {operator}")
    if len(values) < {"IS": 0, "ISN": 0, "BETWEEN": 2}.get(operator, 1):
        raise FxiaokeError(BAD_PARAMETERS, f"filters: {name} {operator} needs values")
    try:
        return Filter(name, operator, [comparable(thing.fields[name].type, value) for value in values])
    except ValueError as error:
        raise FxiaokeError(BAD_PARAMETERS, f"filters: {name}") from error


def comparable(kind: str, value: Any) -> Any:
    """Numbers and times compare as numbers though they may be written as strings."""
    if value is None or isinstance(value, list):
        return value
    if kind in NUMBERS or kind in TIMES:
        return float(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reader(thing: Thing, name: str) -> Callable[[Row], Any]:
    kind = thing.fields[name].type
    return lambda row: comparable(kind, row.get(name))


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, str(value) if isinstance(value, list) else value or 0)


def _equal(value: Any, wanted: list[Any]) -> bool:
    return wanted[0] in map(str, value) if isinstance(value, list) else value == wanted[0]


def _among(value: Any, wanted: list[Any]) -> bool:
    return bool(set(map(str, value)) & set(wanted)) if isinstance(value, list) else value in wanted


OPERATORS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "EQ": _equal,
    "N": lambda value, wanted: not _equal(value, wanted),
    "GT": lambda value, wanted: value > wanted[0],
    "GTE": lambda value, wanted: value >= wanted[0],
    "LT": lambda value, wanted: value < wanted[0],
    "LTE": lambda value, wanted: value <= wanted[0],
    "LIKE": lambda value, wanted: wanted[0] in str(value),
    "IS": lambda value, wanted: value in (None, []),
    "ISN": lambda value, wanted: value not in (None, []),
    "IN": _among,
    "NIN": lambda value, wanted: not _among(value, wanted),
    "BETWEEN": lambda value, wanted: wanted[0] <= value <= wanted[1],
}
OF_ABSENT = {"IS", "N", "NIN"}  # a row without the field passes these and no other


def _test(thing: Thing, part: Filter) -> Test:
    value_of, holds = _reader(thing, part.field), OPERATORS[part.operator]
    absent = part.operator in OF_ABSENT

    def test(row: Row) -> bool:
        value = value_of(row)
        return absent if value is None else holds(value, part.values)

    return test
