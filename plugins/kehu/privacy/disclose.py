"""All that is kept about a person, as JSON and as a page to read: where each row lies, and since when it is known."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from jinja2 import Environment, select_autoescape
from psycopg import Connection, sql
from psycopg.rows import dict_row

from kehu.privacy.person import Subjects, find
from kehu.privacy.reveal import open_rows, require_reader
from kehu.privacy.subjects import namings
from kehu.privacy.vault import Vault
from kehu.warehouse.landing import columns_of

# Where rows of a person lie beside the raw tables: by the customer's id, and what a row's origin is called.
BY_CUSTOMER = """
select namespace.nspname, class.relname, coalesce(obj_description(class.oid), '')
from pg_class as class
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
inner join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attname = 'customer_id'
where
    (class.relkind = 'v' and namespace.nspname = 'pii')
    or (
        class.relkind = 'v' and namespace.nspname = 'marts'
        and to_regclass(format('pii.%I', class.relname)) is null  -- else masked
    )
    or (class.relkind = 'r' and namespace.nspname in ('history', 'ml', 'identity'))
    or (class.relkind = 'r' and namespace.nspname = 'ops' and class.relname in ('decision_journal', 'disclosures'))
order by array_position(array['pii', 'marts', 'history', 'ml', 'identity', 'ops'], namespace.nspname::text), 2
"""
RAW_TABLES = """
select namespace.nspname, class.relname from pg_class as class
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
where class.relkind = 'r' and namespace.nspname like 'raw\\_%' order by 1, 2
"""
RAW_ROWS = """
select
    loads.source || '.' || loads.entity as _source, loads.file_name as _file, raw._row_number as _row,
    loads.loaded_at as _known_since, to_jsonb(raw) - '_load_id' - '_row_number' as row
from {raw} as raw inner join ops.loads as loads on raw._load_id = loads.load_id
where {named} order by raw._load_id, raw._row_number
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>What is kept about {{ told.customer_id }}</title>
<style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;
margin:0 0 1rem}td,th{border:1px solid #bbb;padding:.2rem .5rem;text-align:left;vertical-align:top;
overflow-wrap:anywhere}th{font-weight:600;white-space:nowrap}</style></head><body>
<h1>What is kept about {{ told.customer_id }}</h1>
<p>Each table below names the place in which the rows are kept. Rows of sources tell the file or system they came from
and since when they are known here.</p>
{% for place in told.places %}<h2>{{ place.place }}</h2><p>{{ place.description }}</p>
{% for row in place.rows %}<table>{% for name, value in row.items() if value is not none %}
<tr><th>{{ name }}</th><td>{{ value }}</td></tr>{% endfor %}</table>{% endfor %}{% endfor %}
</body></html>
"""


class DisclosureError(RuntimeError):
    """A person's data cannot be written; the file is named."""


@dataclass(frozen=True)
class Disclosed:
    """What was written."""

    json_file: Path
    html_file: Path
    count_rows: int
    count_places: int


def disclose(url: str, customer_id: str, folder: Path, by: str, vault: Vault) -> Disclosed:
    """Write `<customer>.json` and `<customer>.html` into a folder, readable by their owner only, and note it.

    Raises
    ------
    DisclosureError
        If the files cannot be written.
    RevealError
        If the user is no member of `pii_reader`.
    UnknownCustomerError
        If the id means nobody.
    VaultError
        If the person's key cannot be opened.
    """
    with psycopg.connect(url) as connection:
        connection.execute("set transaction isolation level repeatable read")
        require_reader(connection)
        subjects = find(connection, [customer_id])
        places = [*_kept(connection, subjects, vault), *_raw(connection, subjects)]
        count = sum(len(place["rows"]) for place in places)
        # The note comes first: what leaves the warehouse is never unknown.
        connection.execute(
            "insert into ops.disclosures (customer_id, disclosed_by, count_rows) values (%s, %s, %s)",
            [customer_id, by, count],
        )
        connection.commit()
    told = {"customer_id": customer_id, "ids": subjects.customer_ids, "places": places}
    page = Environment(autoescape=select_autoescape(default=True)).from_string(PAGE).render(told=told)
    text = json.dumps(told, ensure_ascii=False, indent=1, default=str)
    json_file = _write(folder, f"{customer_id}.json", text)
    return Disclosed(json_file, _write(folder, f"{customer_id}.html", page), count, len(places))


def _kept(connection: Connection, subjects: Subjects, vault: Vault) -> list[dict[str, Any]]:
    found = []
    for schema, table, description in connection.execute(BY_CUSTOMER).fetchall():
        query = sql.SQL("select * from {} where customer_id = any(%s)").format(sql.Identifier(schema, table))
        rows = open_rows(connection, _rows(connection, query, [subjects.customer_ids]), vault)
        found.append({"place": f"{schema}.{table}", "description": description, "rows": rows})
    return [place for place in found if place["rows"]]


def _raw(connection: Connection, subjects: Subjects) -> list[dict[str, Any]]:
    """The rows as the sources sent them, all versions."""
    found = []
    for schema, table in connection.execute(RAW_TABLES).fetchall():
        is_record = "_record_id" in columns_of(connection, schema, table)
        ways = [way for way in namings(schema.removeprefix("raw_"), table, is_record) if subjects.keys.get(way.key)]
        if not ways:
            continue
        named = sql.SQL(" or ").join(
            sql.SQL("{} = any({})").format(way.expression(is_record), sql.Literal(sorted(subjects.keys[way.key])))
            for way in ways
        )
        query = sql.SQL(RAW_ROWS).format(raw=sql.Identifier(schema, table), named=named)
        if rows := _rows(connection, query):
            found.append({"place": f"{schema}.{table}", "description": "As the source sent it.", "rows": rows})
    return found


def _rows(connection: Connection, query: sql.Composed, values: Sequence[object] = ()) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values or None).fetchall()


def _write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
    except OSError as error:
        raise DisclosureError(f"{path}: {error.strerror}") from None
    return path
