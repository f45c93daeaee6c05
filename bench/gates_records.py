"""Corruptions of a day's files of records, each a pure function of the file's records and a magnitude."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from bench.gates_corruption import Corruption

Records = list[dict[str, Any]]
PAYMENTS, ACCOUNTS, CONTACTS = ("payments", "payments"), ("shop", "accounts"), ("zoho_crm", "Contacts")
TICKETS = ("support", "tickets")
FEW = (2.0, 10.0, 30.0)


def as_bytes(records: Sequence[dict[str, Any]]) -> bytes:
    """The records as JSON Lines."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def _places(records: Records, size: float) -> set[int]:
    """Places of records, evenly spread: a share of them (below 1), or a number."""
    share = size if size < 1 else min(1.0, size / len(records))
    return {place for place in range(len(records)) if int((place + 1) * share) > int(place * share)}


def _changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Records, Records, float], bytes]:
    def spoil(records: Records, _: Records, size: float) -> bytes:
        places = _places(records, size)
        return as_bytes([one | change(one) if n in places else one for n, one in enumerate(records)])

    return spoil


def _added(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Records, Records, float], bytes]:
    """The records, and a second version of some."""

    def spoil(records: Records, _: Records, size: float) -> bytes:
        return as_bytes(
            [*records, *(records[place] | change(records[place]) for place in sorted(_places(records, size)))]
        )

    return spoil


def _brought_back(records: Records, before: Records, count: float) -> bytes:
    """The newest versions, from before their deletion, of records that were deleted."""
    deleted = [one["id"] for one in before if one.get("_deleted")]
    versions = {one["id"]: one for one in before if not one.get("_deleted")}
    known = [versions[one] for one in reversed(deleted) if one in versions]
    return as_bytes([*records, *known[: int(count)]])


CORRUPTIONS = (
    Corruption(19, "duplicate key (payments)", "Q", 10, FEW, _added(lambda _: {}), PAYMENTS),
    Corruption(
        20, "conflicting versions (payments)", "W", 2, (1, 2, 10), _added(lambda _: {"method": "other"}), PAYMENTS
    ),
    Corruption(
        21, "orphan reference (payments)", "Q", 10, FEW, _changed(lambda one: {"order_number": "99999999"}), PAYMENTS
    ),
    Corruption(
        21, "orphan reference (tickets)", "Q", 2, (1, 2, 5), _changed(lambda one: {"order_number": "99999999"}), TICKETS
    ),
    Corruption(23, "deleted row comes back (contacts)", "Q", 2, (1, 2, 5), _brought_back, CONTACTS),
    Corruption(27, "unknown code (payments)", "Q", 2, (1, 2, 5), _changed(lambda _: {"status": "odd"}), PAYMENTS),
    Corruption(27, "unknown code (payments)", "B", 30, (20, 30, 60), _changed(lambda _: {"status": "odd"}), PAYMENTS),
    Corruption(28, "broken mail (accounts)", "Q", 1, (1, 3, 10), _changed(lambda _: {"email": "nobody"}), ACCOUNTS),
    Corruption(28, "broken phone (accounts)", "Q", 1, (1, 3, 10), _changed(lambda _: {"phone": "0000"}), ACCOUNTS),
    Corruption(
        40, "header total and line sum (share)", "B", 0.1, (0.03, 0.1, 0.3),
        _changed(lambda one: {"amount": f"{float(one['amount']) * 1.1 + 0.05:.2f}"}), PAYMENTS,
    ),
)  # fmt: skip
