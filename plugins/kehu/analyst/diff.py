"""What a change does to a model: its columns, its rows by key and their values, in a sandbox against production.

Values are shown only of columns that a contract describes and that are not marked as personal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection, sql

from kehu.analyst.sandbox import Sandbox, SandboxError, built_on, published
from kehu.analyst.state import load
from kehu.warehouse.manifests import personal_columns, primary_key
from kehu.warehouse.shapes import shape

EXAMPLES = 3
HIDDEN = "(not shown)"
NUMBERS = ("smallint", "integer", "bigint", "numeric", "double precision", "real")
WITHOUT_EQUALITY = ("json", "xml", "point")
Row = tuple[Any, ...]
Counts = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Example:
    """One row that differs: its key, and where a column's value changed, both values."""

    key: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Change:
    """How often a column's value changed."""

    column: str
    count: int
    examples: list[Example]


@dataclass(frozen=True)
class Difference:
    """A model in the sandbox ("here") against the same model in production ("there")."""

    model: str
    here: str
    there: str
    added: dict[str, str]
    removed: dict[str, str]
    retyped: dict[str, tuple[str, str]]
    key: list[str]
    key_there: list[str]
    count_here: int
    count_there: int
    count_only_here: int
    count_only_there: int
    count_changed: int
    only_here: list[Example] = field(default_factory=list)
    only_there: list[Example] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether the model is the same in both places."""
        columns = self.added or self.removed or self.retyped or self.key != self.key_there
        return not (columns or self.count_only_here or self.count_only_there or self.count_changed)


def compare(url: str, sandbox: Sandbox, model: str) -> Difference:
    """Compare a model of the sandbox with production, row by row on the primary key of its contract.

    Without a key that both have, rows are compared as wholes: a changed one counts on both sides.

    Raises
    ------
    SandboxError
        If there is nothing to compare: no sandbox, a model that is not in it, or one that production has not.
    """
    night = published(url)
    run_id = built_on(url, sandbox)
    if run_id != night.run_id:
        reason = f"run {night.run_id} is published since it was built" if run_id else "it is not built yet"
        raise SandboxError(f"{sandbox.schema}: {reason}: `make sandbox` first")
    here, there = _nodes(sandbox, model)
    with psycopg.connect(url) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        new, old = (shape(connection, _name(node).as_string(connection)) for node in (here, there))
        if not new:
            raise SandboxError(f"{model} is not in {sandbox.schema}: it has not changed, or was not built")
        both = _Pair(connection, _name(here), _name(there), new, old, _showable(here, there))
        key = primary_key(here)
        is_keyed = bool(key) and all(column in new and column in old for column in key)
        counts = both.counts(key) if is_keyed else both.counts_of_wholes()
        return Difference(
            model,
            f"{here['schema']}.{here['alias']}",
            f"{there['schema']}.{there['alias']}",
            {column: kind for column, kind in new.items() if column not in old},
            {column: kind for column, kind in old.items() if column not in new},
            {column: (old[column], new[column]) for column in new if column in old and new[column] != old[column]},
            key if is_keyed else [],
            primary_key(there) if is_keyed else [],
            *counts,
            *(both.examples(key) if is_keyed else ()),
        )


def _nodes(sandbox: Sandbox, model: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The model's entries in the manifests of the sandbox and of production."""
    here, there = (
        {node["name"]: node for node in load(folder)["nodes"].values() if node["resource_type"] in ("model", "seed")}
        for folder in (sandbox.target, sandbox.state)
    )
    if model not in here:
        raise SandboxError(f"there is no model {model}")
    if model not in there:
        raise SandboxError(f"{model} is new: production has nothing to compare it with")
    return here[model], there[model]


def _name(node: Mapping[str, Any]) -> sql.Identifier:
    return sql.Identifier(node["schema"], node["alias"])


def _showable(here: Mapping[str, Any], there: Mapping[str, Any]) -> set[str]:
    """The columns whose values may be shown: described by a contract, personal on neither side."""
    if not (here["config"].get("contract") or {}).get("enforced"):
        return set()
    return set(here["columns"]) - personal_columns(here).keys() - personal_columns(there).keys()


@dataclass(frozen=True)
class _Pair:
    """Two relations with some columns in common."""

    connection: Connection
    here: sql.Identifier
    there: sql.Identifier
    new: dict[str, str]
    old: dict[str, str]
    showable: set[str]

    def counts(self, key: Sequence[str]) -> Counts:
        """Rows here and there, only here, only there, in both but changed."""
        # A key alone has no values that could change.
        changed = sql.SQL(" or ").join([sql.SQL("false"), *map(self._differs, self._shared(key))])
        query = sql.SQL(
            "select count(here.is_row), count(there.is_row), count(*) filter (where there.is_row is null),"
            " count(*) filter (where here.is_row is null),"
            " count(*) filter (where here.is_row and there.is_row and ({})) {}"
        )
        counts: Counts = self._one(query.format(changed, self._joined(key, "full")))
        return counts

    def counts_of_wholes(self) -> Counts:
        """The same counts by whole rows over the columns both have; none of them is called changed."""
        columns = sql.SQL(", ").join(self._cast(column, self._kind(column)) for column in self._shared([]))
        sides = {"here": self.here, "there": self.there}
        query = sql.SQL(
            "with here as (select {columns} from {here} as here), there as (select {columns} from {there} as there)"
            " select (select count(*) from here), (select count(*) from there),"
            " (select count(*) from (select * from here except all select * from there) as extra),"
            " (select count(*) from (select * from there except all select * from here) as extra), 0"
        )
        counts: Counts = self._one(query.format(columns=columns, **sides))
        return counts

    def examples(self, key: Sequence[str]) -> tuple[list[Example], list[Example], list[Change]]:
        """A few keys of each kind of difference, the first in the key's order, and the changes per column."""
        only_here = self._rows(key, "here", [], sql.SQL("there.is_row is null"), "left")
        only_there = self._rows(key, "there", [], sql.SQL("here.is_row is null"), "right")
        return only_here, only_there, self._changes(key)

    def _changes(self, key: Sequence[str]) -> list[Change]:
        columns = self._shared(key)
        if not columns:
            return []
        counts = sql.SQL(", ").join(
            sql.SQL("count(*) filter (where {})").format(self._differs(column)) for column in columns
        )
        found = self._one(sql.SQL("select {} {}").format(counts, self._joined(key, "inner")))
        return [
            Change(column, count, self._rows(key, "here", [column], self._differs(column), "inner"))
            for column, count in zip(columns, found, strict=True)
            if count
        ]

    def _rows(
        self, key: Sequence[str], side: str, columns: list[str], where: sql.Composable, join: str
    ) -> list[Example]:
        keys = [sql.Identifier(side, column) for column in key]
        values = [sql.Identifier(alias, column) for column in columns for alias in ("there", "here")]
        texts = sql.SQL(", ").join(sql.SQL("{}::text").format(name) for name in (*keys, *values))
        query = sql.SQL("select {} {} where {} order by {} limit {}").format(
            texts, self._joined(key, join), where, sql.SQL(", ").join(keys), sql.Literal(EXAMPLES)
        )
        return [self._example(key, columns, row) for row in self.connection.execute(query).fetchall()]

    def _example(self, key: Sequence[str], columns: list[str], row: Row) -> Example:
        told = ", ".join(
            str(value) if column in self.showable else HIDDEN for column, value in zip(key, row, strict=False)
        )
        if not columns:
            return Example(told)
        if columns[0] not in self.showable:
            return Example(told, HIDDEN, HIDDEN)
        return Example(told, *("null" if value is None else value for value in row[len(key) :]))

    def _joined(self, key: Sequence[str], join: str) -> sql.Composed:
        # The marks tell a row that is missing from one that is all null.
        on = sql.SQL(" and ").join(
            # As text: the change may be one of the key's type.
            sql.SQL("{}::text = {}::text").format(sql.Identifier("here", column), sql.Identifier("there", column))
            for column in key
        )
        side = sql.SQL("(select *, true as is_row from {}) as {}")
        return sql.SQL("from {} {} join {} on {}").format(
            side.format(self.here, sql.SQL("here")), sql.SQL(join), side.format(self.there, sql.SQL("there")), on
        )

    def _differs(self, column: str) -> sql.Composed:
        kind = self._kind(column)
        return sql.SQL("{} is distinct from {}").format(
            self._cast(column, kind, "here"), self._cast(column, kind, "there")
        )

    def _kind(self, column: str) -> str | None:
        """The type to compare a column in; None where its own serves."""
        kinds = [kind.split("(")[0] for kind in (self.new[column], self.old[column])]
        if kinds[0] == kinds[1]:
            return "text" if kinds[0] in WITHOUT_EQUALITY else None
        return "numeric" if set(kinds) <= set(NUMBERS) else "text"

    def _cast(self, column: str, kind: str | None, side: str | None = None) -> sql.Composable:
        name = sql.Identifier(*filter(None, (side, column)))
        return sql.SQL("{}::{}").format(name, sql.SQL(kind)) if kind else name

    def _shared(self, key: Sequence[str]) -> list[str]:
        return [column for column in self.new if column in self.old and column not in key]

    def _one(self, query: sql.Composed) -> Any:
        return self.connection.execute(query).fetchone()
