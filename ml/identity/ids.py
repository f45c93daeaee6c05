"""Customer ids that stay: from last night's ids and tonight's clusters to tonight's ids, and what happened on the way.

An id goes with the larger part of its records. Where several ids meet in one cluster the oldest one lives on and the
others become its aliases. A cluster without an id gets one that is made from its founding record, so that the same
records get the same id wherever and whenever they are linked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from ml.identity.settings import Kind

PREFIX = {"person": "P", "company": "C"}
Birth = tuple[date, str]  # the night an id was first given, and its founding record's time and key: older sorts first


@dataclass(frozen=True, order=True)
class Event:
    """What happened to a customer tonight: created, merged into `other`, split (part became `other`), vanished."""

    event: str
    customer_id: str
    other_customer_id: str
    count_records: int


def new_id(kind: Kind, founder: str, attempt: int) -> str:
    """An id made from its founding record; `attempt` tells apart ids of one founder."""
    text = f"{kind}\n{founder}\n{attempt}" if attempt else f"{kind}\n{founder}"
    return f"{PREFIX[kind]}-{sha256(text.encode()).hexdigest()[:16]}"


def assign(
    kind: Kind,
    previous: Mapping[str, str],
    clusters: Mapping[str, str],
    seniority: Mapping[str, tuple[str, str]],
    born: Mapping[str, Birth],
    is_taken: Callable[[str], bool] = lambda _: False,
) -> tuple[dict[str, str], list[Event]]:
    """Give each record of `clusters` (record -> cluster) its customer id.

    Parameters
    ----------
    kind
        Person or company: new ids begin with its letter.
    previous
        Record -> id as of last night, for all records of the ids concerned, also those that are gone.
    clusters
        Record -> cluster, tonight.
    seniority
        Record -> (time known, record key): the least founds a cluster.
    born
        Previous id -> when it was first given.
    is_taken
        Whether an id belongs to a customer outside of these clusters.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for record in sorted(clusters):
        members[clusters[record]].append(record)
    claims = _claims(kind, previous, clusters, seniority)
    ids = {cluster: min(claimed, key=lambda i: (born[i], i)) for cluster, claimed in claims.items()}
    held = set(previous.values())
    for cluster in sorted(members, key=lambda c: min(seniority[r] for r in members[c])):
        if cluster not in ids:
            founder = min(members[cluster], key=lambda r: seniority[r])
            ids[cluster] = _unused(kind, founder, held, is_taken)
            held.add(ids[cluster])
    assigned = {record: ids[cluster] for record, cluster in clusters.items()}
    return assigned, sorted(_events(previous, assigned, claims, ids))


def _claims(
    kind: Kind, previous: Mapping[str, str], clusters: Mapping[str, str], seniority: Mapping[str, tuple[str, str]]
) -> dict[str, set[str]]:
    """Cluster -> previous ids whose larger part it holds; of equal parts the one that the id was made for."""
    parts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for record, customer in previous.items():
        if record in clusters:
            parts[customer][clusters[record]].append(record)
    claims: dict[str, set[str]] = defaultdict(set)
    for customer, by_cluster in parts.items():
        founders = {c: any(new_id(kind, r, 0) == customer for r in records) for c, records in by_cluster.items()}
        largest = min(
            by_cluster,
            key=lambda c: (-len(by_cluster[c]), not founders[c], min(seniority[r] for r in by_cluster[c])),
        )
        claims[largest].add(customer)
    return claims


def _unused(kind: Kind, founder: str, held: set[str], is_taken: Callable[[str], bool]) -> str:
    attempt = 0
    while (candidate := new_id(kind, founder, attempt)) in held or is_taken(candidate):
        attempt += 1
    return candidate


def _events(
    previous: Mapping[str, str], assigned: Mapping[str, str], claims: Mapping[str, set[str]], ids: Mapping[str, str]
) -> Iterable[Event]:
    size = Counter(assigned.values())
    before = Counter(previous.values())
    alive = set(assigned.values())
    for cluster, claimed in claims.items():
        for customer in claimed - {ids[cluster]}:
            yield Event("merged", customer, ids[cluster], before[customer])
    moved = Counter((previous[r], i) for r, i in assigned.items() if r in previous and previous[r] != i)
    merged = {(customer, ids[cluster]) for cluster, claimed in claims.items() for customer in claimed}
    for (customer, other), count in moved.items():
        if (customer, other) not in merged:
            yield Event("split", customer, other, count)
    for customer in alive - set(before):
        if not any(other == customer for (_, other) in moved):
            yield Event("created", customer, "", size[customer])
    remaining = {previous[record] for record in assigned if record in previous}
    for customer in set(before) - remaining:
        yield Event("vanished", customer, "", before[customer])


def founding(known_at: str | None, record_key: str) -> tuple[str, str]:
    """What the seniority of a record is told by; records without a time come last."""
    return (known_at or "9999", record_key)
