"""What people decided about pairs of records: same or not the same. Decisions win over every rule and the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pyarrow as pa


@dataclass(frozen=True, order=True)
class Decision:
    """A pair that a person judged."""

    decided_on: date
    left_key: str
    right_key: str
    is_same: bool
    kind: str = "person"

    @property
    def pair(self) -> tuple[str, str]:
        """The two keys, the smaller one first."""
        return min(self.left_key, self.right_key), max(self.left_key, self.right_key)


@dataclass(frozen=True)
class Judged:
    """Decisions that agree with each other, and those set aside because newer ones contradict them."""

    same: tuple[tuple[str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    contradicted: tuple[Decision, ...] = ()

    def table(self) -> pa.Table:
        """The pairs that count: left_key, right_key, is_same."""
        rows = [(*pair, True) for pair in self.same] + [(*pair, False) for pair in self.apart]
        types = {"left_key": pa.string(), "right_key": pa.string(), "is_same": pa.bool_()}
        return pa.table({name: pa.array([row[n] for row in rows], types[name]) for n, name in enumerate(types)})


def sentence(left_key: str, right_key: str, is_same: bool) -> str:
    """What a decision says of its pair, as findings tell it."""
    return f"{left_key} {'=' if is_same else '<>'} {right_key}"


def judge(decisions: Iterable[Decision]) -> Judged:
    """Take the newest decisions first; one that the ones before it rule out is set aside.

    A pair said to be the same although a chain of newer decisions keeps its ends apart, and the other way round, is a
    contradiction; saying the same thing twice, or in a circle, is none.
    """
    group: dict[str, str] = {}
    apart: dict[str, set[str]] = {}
    kept: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    contradicted = []
    for decision in sorted(decisions, key=lambda d: (-d.decided_on.toordinal(), *d.pair, d.is_same)):
        pair = decision.pair
        if pair[0] == pair[1]:
            continue
        a, b = _root(group, pair[0]), _root(group, pair[1])
        is_possible = b not in apart.get(a, set()) if decision.is_same else a != b
        if not is_possible:
            contradicted.append(decision)
            continue
        kept[decision.is_same].append(pair)
        if not decision.is_same:
            apart.setdefault(a, set()).add(b)
            apart.setdefault(b, set()).add(a)
        elif a != b:
            _unite(group, apart, a, b)
    return Judged(tuple(sorted(set(kept[True]))), tuple(sorted(set(kept[False]))), tuple(contradicted))


def _root(group: dict[str, str], key: str) -> str:
    while group.get(key, key) != key:
        key = group[key]
    return key


def _unite(group: dict[str, str], apart: dict[str, set[str]], a: str, b: str) -> None:
    group[b] = a
    for other in apart.pop(b, set()):
        apart[other].discard(b)
        apart[other].add(a)
        apart.setdefault(a, set()).add(other)
