"""One hash over all ordered rows of the published marts: equal hashes mean equal marts."""

from __future__ import annotations

import hashlib

import psycopg
from psycopg import sql

from kehu.warehouse.masks import SEALED, clear_text

COLUMNS = """
select column_name from information_schema.columns
where
    table_schema = 'marts' and table_name = %(mart)s
    and column_name not in (select column_name from ops.published_personal where mart = %(mart)s and kind = %(sealed)s)
order by ordinal_position
"""


def fingerprint(url: str) -> dict[str, str]:
    """SHA-256 per mart over its rows as text in byte order, in clear text, without regard to how they lie on disk.

    Sealed columns are left out: their bytes hang on keys that are drawn at random.
    """
    result = {}
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "select table_name from information_schema.views where table_schema = 'marts' order by table_name"
        ).fetchall()
        for (name,) in names:
            digest = hashlib.sha256()
            columns = sql.SQL(", ").join(map(sql.Identifier, _hashed_columns(connection, name)))
            query = sql.SQL('select row({0})::text from {1} order by row({0})::text collate "C"')
            with connection.cursor(name="rows") as cursor:
                cursor.itersize = 50_000
                for (row,) in cursor.execute(query.format(columns, clear_text(connection, name))):
                    digest.update(row.encode() + b"\n")
            result[name] = digest.hexdigest()
    return result


def _hashed_columns(connection: psycopg.Connection, mart: str) -> list[str]:
    return [name for (name,) in connection.execute(COLUMNS, {"mart": mart, "sealed": SEALED}).fetchall()]
