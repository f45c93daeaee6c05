"""Records and graphs of identity put into a warehouse by hand."""

from __future__ import annotations

import json

import psycopg

from ml.identity.workspace import LISTS, TEXTS

NIGHT = "2024-03-05"
COLUMNS = (
    {name: "text" for name in TEXTS if name != "identifier"} | dict.fromkeys(LISTS, "text[]") | {"birth_date": "date"}
)
TABLE = f"""
create table intermediate.int_identity_records (
    kind text, record_key text, known_at timestamptz, content_hash text,
    {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())},
    primary key (kind, record_key)
)
"""


def execute(url, statement, values=None):
    with psycopg.connect(url) as connection:
        connection.execute(statement, values)


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def make_records(url, records, kind="person"):
    """`intermediate.int_identity_records` with these records: dictionaries of its columns, a record_key in each."""
    with psycopg.connect(url) as connection:
        if connection.execute("select to_regclass('intermediate.int_identity_records')").fetchone() == (None,):
            connection.execute(TABLE)
        for record in records:
            given = {
                name: value for name, value in record.items() if name in COLUMNS or name in ("record_key", "known_at")
            }
            given = dict.fromkeys(LISTS, []) | given | {"kind": kind, "content_hash": json.dumps(record, default=str)}
            places = ", ".join(["%s"] * len(given))
            insert = f"insert into intermediate.int_identity_records ({', '.join(given)}) values ({places})"
            connection.execute(insert, list(given.values()))


def assign(url, customer_id, *keys, kind="person", since="2024-03-01", until=None):
    for key in keys:
        values = [kind, key, customer_id, since, until]
        execute(url, "insert into identity.assignments values (%s, %s, %s, %s, %s)", values)


def link(url, left, right, rule="model", weight=12.0, evidence=None, kind="person", is_same=True):
    probability = 1 / (1 + 2.0**-weight)
    text = json.dumps(evidence) if evidence else None
    values = [kind, min(left, right), max(left, right), rule, probability, weight, text, is_same]
    execute(url, f"insert into identity.links values ({', '.join(['%s'] * 8)})", values)


def event(url, day, name, customer_id, other="", kind="person"):
    execute(url, "insert into identity.merge_log values (%s, %s, %s, %s, %s, 2)", [day, kind, name, customer_id, other])
