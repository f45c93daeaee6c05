"""A chunk of the world: people, companies, accounts and orders that know only each other, and a way to tell of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import orjson

from world import layout
from world.companies import Companies, company_ids
from world.experience import THEMES, Experiences
from world.files import Files
from world.parameters import PARAMETERS
from world.people import People, person_ids
from world.products import Catalogue
from world.seeds import generator
from world.span import DAY, Span
from world.trade import Orders
from world.truth import Truth

Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Accounts:
    """Shop accounts: number, owner (a place in the people), and when registered (seconds)."""

    account_id: Objects
    who: Ints
    registered_at: Ints


@dataclass
class Chunk:
    """Everything a source needs to tell its part; `file_day` names the file of a time, None for none."""

    seed: int
    number: int
    span: Span
    goods: Catalogue
    people: People
    companies: Companies
    accounts: Accounts
    orders: Orders
    order_number: Objects
    order_product: Ints
    order_account: Ints
    experiences: Experiences
    count_customers: int
    files: Files
    truth: Truth
    file_day: Callable[[int], str]

    def rng(self, purpose: str) -> np.random.Generator:
        """The chunk's generator for a purpose."""
        return generator(self.seed, self.number, purpose)

    @cached_property
    def person_id(self) -> Objects:
        """The truth's names of the people."""
        return np.array(person_ids(self.people.number), dtype=object)

    @cached_property
    def company_id(self) -> Objects:
        """The truth's names of the companies."""
        return np.array(company_ids(self.companies.number), dtype=object)

    def emit(
        self,
        source: str,
        entity: str,
        ids: Iterable[str],
        at: Ints,
        rows: Iterable[dict],
        who: Ints | None = None,
        company: Ints | None = None,
        is_prompt: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.bool_]:
        """Write versions of records, some late, some twice; tell the truth about each record that appears.

        `at` is when a version came to be; versions outside the span are not written. Those with `is_prompt` come once
        and in time. Returns which were written.
        """
        ids, at = np.array(list(ids), dtype=object), np.asarray(at, dtype=np.int64)
        told = self.span.holds(at)
        self._write_rows(layout.BY_NAME[source, entity], at, told, list(map(orjson.dumps, rows)), is_prompt)
        kept = np.flatnonzero(told)
        first = kept[np.sort(np.unique(ids[kept].astype(str), return_index=True)[1])]
        if len(first) and layout.BY_NAME[source, entity].tells_of != "nobody":
            self.truth.add(
                "records",
                {
                    "source": source,
                    "entity": entity,
                    "record_id": ids[first].tolist(),
                    "person_id": _named(self.person_id, who, first),
                    "company_id": _named(self.company_id, company, first),
                },
            )
        return told

    def _write_rows(
        self,
        entity: layout.Entity,
        at: Ints,
        told: npt.NDArray[np.bool_],
        lines: list[bytes],
        is_prompt: npt.NDArray[np.bool_] | None,
    ) -> None:
        rng = self.rng(f"deliver {entity.source} {entity.name} {len(lines)}")
        may_err = np.ones(len(at), dtype=bool) if is_prompt is None else ~is_prompt
        is_late = (rng.random(len(at)) < PARAMETERS.late_rows) & may_err
        delivered = at + np.where(is_late, rng.integers(DAY, 5 * DAY, len(at)), 0)
        row = np.flatnonzero(told)
        twice = row[(rng.random(len(row)) < PARAMETERS.duplicate_rows) & may_err[row]]
        again = delivered[twice] + rng.integers(0, 2, len(twice)) * DAY
        row, delivered = np.concatenate([row, twice]), np.concatenate([delivered[row], again])
        # What would arrive after the span arrives in its last second: nothing told of is lost.
        delivered = np.minimum(delivered, self.span.until - 1)
        order = np.argsort(delivered, kind="stable")
        days = self.span.day_of(delivered[order])
        ends = np.flatnonzero(np.diff(days, append=-1) != 0) + 1
        start = 0
        for end in ends.tolist():
            content = b"\n".join([lines[r] for r in row[order[start:end]].tolist()])
            self.files.append(entity.path(self.file_day(int(days[start]))), content + b"\n")
            start = end

    def tell_texts(
        self,
        source: str,
        entity: str,
        ids: Objects,
        sentiment: Ints,
        theme: Ints,
        is_chinese: npt.NDArray[np.bool_],
        told: npt.NDArray[np.bool_],
    ) -> None:
        """The truth about texts, one row a record that appears."""
        if not told.any():
            return
        self.truth.add(
            "texts",
            {
                "source": source,
                "entity": entity,
                "record_id": ids[told].tolist(),
                "sentiment": sentiment[told],
                "theme": np.array(THEMES, dtype=object)[theme[told]].tolist(),
                "language": np.where(is_chinese[told], "zh", "en").tolist(),
            },
        )


def _named(names: Objects, places: Ints | None, rows: Ints) -> list[str | None]:
    """Names by place; None where the place is -1 or nobody is meant."""
    if places is None:
        return [None] * len(rows)
    chosen = places[rows]
    return np.where(chosen >= 0, names[np.maximum(chosen, 0)], None).tolist() if len(names) else [None] * len(rows)
