"""Small worlds by hand: records as dicts, decisions in one line, clusters as sets."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

import pyarrow as pa

from bench.identity_sets import LISTS, as_records
from ml.identity.decisions import Decision
from ml.identity.link import Work

Row = dict[str, Any]
ANNA: Row = {
    "given_name": "anna",
    "surname": "kowalczyk",
    "birth_date": date(1984, 3, 17),
    "mails": ["anna.kowalczyk@example.org"],
    "phones": ["+48601234567"],
    "street": "12 mill lane",
    "city": "leeds",
    "postcode": "ls1 4ab",
}
STRANGER: Row = {
    "given_name": "oluwaseun",
    "surname": "adeyemi",
    "birth_date": date(1951, 11, 30),
    "mails": ["o.adeyemi@example.net"],
    "phones": ["+447911998877"],
    "street": "7 harbour view",
    "city": "truro",
    "postcode": "tr1 2xy",
}


def table_of(rows: list[Row]) -> pa.Table:
    """A table like int_identity_records; what a row does not tell is null, or an empty list."""
    names = ["record_key", *sorted({name for row in rows for name in row} - {"record_key"})]
    return as_records({name: [row.get(name, [] if name in LISTS else None) for row in rows] for name in names})


def world(**rows: Row) -> pa.Table:
    """A table of records named by their keys."""
    return table_of([{"record_key": key, **row} for key, row in rows.items()])


def decide(left: str, sign: str, right: str, day: int = 1) -> Decision:
    """A decision such as ("a", "=", "b") or ("a", "<>", "b"), taken on a day of January."""
    return Decision(date(2026, 1, day), left, right, {"=": True, "<>": False}[sign])


def cluster_of(linked: Work) -> dict[str, str]:
    """The cluster of each record."""
    return dict(zip(linked.clusters["record_key"].to_pylist(), linked.clusters["cluster"].to_pylist(), strict=True))


def customers(linked: Work) -> set[frozenset[str]]:
    """The records of each cluster."""
    members = defaultdict(set)
    for key, cluster in cluster_of(linked).items():
        members[cluster].add(key)
    return {frozenset(keys) for keys in members.values()}


def sets(*groups: str) -> set[frozenset[str]]:
    """Groups of records with one-letter keys: sets("ab", "c") is {{a, b}, {c}}."""
    return {frozenset(group) for group in groups}
