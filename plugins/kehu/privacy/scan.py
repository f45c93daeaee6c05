"""Search a whole database and whole folders for values, and overwrite what is found.

Every column of text, JSON, arrays of text and bytes of every schema is read, also what the planner's statistics keep of
them. Zip and gzip files (models are such) are read unpacked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from kehu.privacy.sought import Sought, unpacked

COLUMNS = """
select namespace.nspname, class.relname, attribute.attname, type.typname
from pg_attribute as attribute
inner join pg_class as class on attribute.attrelid = class.oid
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
inner join pg_type as type on attribute.atttypid = type.oid
where
    class.relkind = any(cast(%s as "char"[]))
    and attribute.attnum > 0
    and not attribute.attisdropped
    and type.typname in ('text', 'varchar', 'bpchar', 'json', 'jsonb', '_text', '_varchar', 'bytea', 'xml')
    and namespace.nspname not in ('pg_catalog', 'information_schema')
    and namespace.nspname !~ '^pg_(toast|temp)'
order by 1, 2, attribute.attnum
"""
STATISTICS = """
select schemaname, tablename, attname, concat_ws(' ', most_common_vals, histogram_bounds, most_common_elems)
from pg_stats where schemaname not in ('pg_catalog', 'information_schema')
"""
JSON = ("json", "jsonb")
BLOCK = 1 << 20
UNREAD = (".pyc", ".so")
Column = tuple[str, str, str]


@dataclass
class Found:
    """Cells or files that hold one of the values, by place, and how much was looked at."""

    places: Counter[str] = field(default_factory=Counter)
    columns: int = 0
    cells: int = 0
    files: int = 0

    columns_hit: set[Column] = field(default_factory=set)
    statistics_hit: set[Column] = field(default_factory=set)

    @property
    def count(self) -> int:
        return self.places.total()


def search(connection: Connection, sought: Sought, spared: Sequence[Column] = ()) -> Found:
    """Where a database holds the values, apart from the `spared` columns (schema, table, column)."""
    found = Found()
    for (schema, table), columns in columns_by_table(connection, spared).items():
        texts = [name for name, kind in columns if kind != "bytea"]
        _search_texts(connection, sought, schema, table, texts, found)
        for name in (name for name, kind in columns if kind == "bytea"):
            _search_bytes(connection, sought, schema, table, name, found)
    for schema, table, name, kept in connection.execute(STATISTICS).fetchall():
        if (schema, table, name) not in spared and sought.is_in(kept.encode()):
            found.places[f"statistics of {schema}.{table}.{name}"] += 1
            found.statistics_hit.add((schema, table, name))
    return found


def overwrite(connection: Connection, sought: Sought, schema: str, table: str, name: str) -> int:
    """Overwrite the values in a column of text or JSON; return how many rows changed."""
    column, relation = sql.Identifier(name), sql.Identifier(schema, table)
    (kind,) = [kind for known, kind in columns_by_table(connection)[schema, table] if known == name]
    typed = sql.SQL({"_text": "text[]", "_varchar": "varchar[]"}.get(kind, kind))  # type: ignore[arg-type, unused-ignore]
    rows = connection.execute(sql.SQL("select ctid::text, {}::text from only {} where {} is not null").format(
        column, relation, column)).fetchall()  # fmt: skip
    changed = 0
    for place, text in rows:
        if sought.is_in(text.encode()):
            blotted = json.dumps(_blot_leaves(sought, json.loads(text))) if kind in JSON else _blot(sought, text)
            update = sql.SQL("update only {} set {} = cast(%s as {}) where ctid = %s::tid")
            connection.execute(update.format(relation, column, typed), [blotted, place])
            changed += 1
    return changed


def _blot(sought: Sought, text: str) -> str:
    return sought.blot(text.encode()).decode()


def _blot_leaves(sought: Sought, node: Any) -> Any:
    """A JSON value with the values overwritten; a number that is one of them becomes text."""
    if isinstance(node, dict):
        return {_blot(sought, name): _blot_leaves(sought, inside) for name, inside in node.items()}
    if isinstance(node, list):
        return [_blot_leaves(sought, inside) for inside in node]
    blotted = _blot(sought, str(node))
    return node if blotted == str(node) else blotted


def search_files(folders: Sequence[Path], sought: Sought, spared: Sequence[Path] = ()) -> Found:
    """The files below some folders that hold one of the values."""
    found = Found()
    for path in _files(folders, spared):
        found.files += 1
        if any(sought.is_in(part) for part in unpacked(path.read_bytes())):
            found.places[str(path)] += 1
    return found


def overwrite_files(folders: Sequence[Path], sought: Sought, spared: Sequence[Path] = ()) -> int:
    """Overwrite the values in text files; return how many changed. Packed ones stay, and `search_files` tells them."""
    changed = 0
    for path in _files(folders, spared):
        before = path.read_bytes()
        after = before if b"\0" in before else sought.blot(before)
        if after != before:
            path.write_bytes(after)
            changed += 1
    return changed


def columns_by_table(
    connection: Connection, spared: Sequence[Column] = (), relations: Sequence[str] = ("r", "m")
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Names and types of the columns that can hold values, by (schema, table), of these kinds of relations."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, name, kind in connection.execute(COLUMNS, [list(relations)]).fetchall():
        if (schema, table, name) not in spared:
            found.setdefault((schema, table), []).append((name, kind))
    return found


def _search_texts(
    connection: Connection, sought: Sought, schema: str, table: str, names: Sequence[str], found: Found
) -> None:
    found.columns += len(names)
    for block in _blocks(connection, schema, table, names) if names else ():
        found.cells += block.count(b"\n") * len(names)
        if not sought.is_in(block):
            continue
        for line in block.split(b"\n"):
            if sought.is_in(line):
                cells = zip(names, line.split(b"\t"), strict=True)
                hit = [name for name, cell in cells if sought.is_in(cell)]
                found.places.update(f"{schema}.{table}.{name}" for name in hit)
                found.columns_hit |= {(schema, table, name) for name in hit}


def _blocks(connection: Connection, schema: str, table: str, names: Sequence[str]) -> Iterator[bytes]:
    """A table's rows as COPY writes them, whole lines, about a megabyte at a time."""
    statement = sql.SQL("copy (select {} from only {}) to stdout").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(schema, table)
    )
    block = bytearray()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for line in copy:
            block += line
            if len(block) > BLOCK:
                yield bytes(block)
                block.clear()
    yield bytes(block)


def _search_bytes(connection: Connection, sought: Sought, schema: str, table: str, name: str, found: Found) -> None:
    found.columns += 1
    query = sql.SQL("select {} from only {}").format(sql.Identifier(name), sql.Identifier(schema, table))
    for (content,) in connection.execute(query):
        found.cells += 1
        if content is not None and any(sought.is_in(part) for part in unpacked(bytes(content))):
            found.places[f"{schema}.{table}.{name}"] += 1


def _files(folders: Sequence[Path], spared: Sequence[Path]) -> Iterator[Path]:
    gone = [path.resolve() for path in spared]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file() or path.suffix in UNREAD:
                continue
            if not any(path.resolve().is_relative_to(one) for one in gone):
                yield path
