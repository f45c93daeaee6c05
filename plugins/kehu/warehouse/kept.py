"""Marts whose rows are stored once, with the first run they belong to and the run that ended them (schema `kept`).

dbt writes them (macros/kept) and leaves a view of the run's rows among its marts. Here they get the view that readers
query, and rows that no kept run shows any more are removed.
"""

from __future__ import annotations

from psycopg import Connection, sql

from kehu.warehouse.runs import Night
from kehu.warehouse.shapes import shape

# The day of the published run, in the query of a reader's view.
DAY = "(select runs.as_of_date from ops.runs inner join store.current on runs.run_id = store.current.run_id)"


def kept_marts(connection: Connection) -> set[str]:
    """The marts that are stored this way, in any run."""
    query = "select relname from pg_class where relkind = 'r' and relnamespace = 'kept'::regnamespace"
    return {name for (name,) in connection.execute(query).fetchall()}


def kept_of(connection: Connection, night: Night) -> list[str]:
    """Those that a run has built."""
    query = "select viewname from pg_views where schemaname = %s order by viewname"
    return [name for (name,) in connection.execute(query, [night.schema]).fetchall()]


def reading_view(connection: Connection, name: str) -> sql.Composed:
    """The query of the view on the published run's rows, the columns that readers know first.

    Until the mart was stored this way its runs were partitions of the store; they are read as long as one of them is
    published.
    """
    types = shape(connection, f"kept.{name}")
    known = list(shape(connection, f"marts.{name}"))
    columns = known + [column for column in types if column not in known]
    listed = sql.SQL(", ").join(_by_night(connection, name, column) for column in columns)
    pointer = sql.SQL("(select pointer.run_id from store.current as pointer)")
    query = sql.SQL("select {} from {} where run_from <= {pointer} and (run_to is null or run_to > {pointer})").format(
        listed, sql.Identifier("kept", name), pointer=pointer
    )
    if column := _nights(connection, name):
        query += sql.SQL(" and {} <= " + DAY).format(sql.Identifier(column))
    stored = shape(connection, f"store.{name}")
    if not stored:
        return query
    old = [
        sql.Identifier(column) if column in stored else sql.SQL("cast(null as {})").format(sql.SQL(types[column]))
        for column in columns
    ]
    union = sql.SQL("{} union all select {} from {} where run_id = {}")
    return union.format(query, sql.SQL(", ").join(old), sql.Identifier("store", name), pointer)


def _nights(connection: Connection, mart: str) -> str | None:
    """The column that tells whose night a row is, where each night adds its own rows."""
    found = connection.execute("select nights from ops.model_states where model = %s", [mart]).fetchone()
    return found[0] if found else None


def _by_night(connection: Connection, mart: str, column: str) -> sql.Composable:
    """A column as readers select it: the row's own, or what the published run's day makes of the row."""
    query = "select by_night ->> %s from ops.model_states where model = %s"
    found = connection.execute(query, [column, mart]).fetchone()
    if found is None or found[0] is None:
        return sql.Identifier(column)
    return sql.SQL(found[0].replace("{day}", DAY)) + sql.SQL(" as ") + sql.Identifier(column)


def forget(connection: Connection, oldest_run: int) -> int:
    """Remove rows and told changes that only runs before `oldest_run` knew; return how many rows."""
    removed = 0
    for name in sorted(kept_marts(connection)):
        statement = sql.SQL("delete from {} where run_to <= %s").format(sql.Identifier("kept", name))
        removed += connection.execute(statement, [oldest_run]).rowcount
    connection.execute("delete from ops.changed_keys where run_id < %s", [oldest_run])
    return removed
