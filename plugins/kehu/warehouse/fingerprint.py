"""One hash over all ordered rows of the published marts: equal hashes mean equal marts."""

from __future__ import annotations

import hashlib

import psycopg
from psycopg import sql

from kehu.warehouse.masks import clear_text


def fingerprint(url: str) -> dict[str, str]:
    """SHA-256 per mart over its rows as text in byte order, in clear text, without regard to how they lie on disk."""
    result = {}
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "select table_name from information_schema.views where table_schema = 'marts' order by table_name"
        ).fetchall()
        for (name,) in names:
            digest = hashlib.sha256()
            query = sql.SQL('select mart::text from {} as mart order by mart::text collate "C"')
            with connection.cursor(name="rows") as cursor:
                cursor.itersize = 50_000
                for (row,) in cursor.execute(query.format(clear_text(connection, name))):
                    digest.update(row.encode() + b"\n")
            result[name] = digest.hexdigest()
    return result
