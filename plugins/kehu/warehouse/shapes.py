"""The columns of a relation, as its readers see them."""

from __future__ import annotations

from psycopg import Connection

# What says to which runs a row belongs is no column of the mart.
ATTRIBUTES = """
select attname, format_type(atttypid, atttypmod)
from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped and attname not in ('run_id', 'run_from', 'run_to')
order by attnum
"""


def shape(connection: Connection, relation: str) -> dict[str, str]:
    """The columns of a relation and their types, in order, without the runs' numbers; empty if there is none."""
    return dict(connection.execute(ATTRIBUTES, [relation]).fetchall())
