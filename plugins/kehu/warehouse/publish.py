"""Publish a whole night at once: one partition per mart and run, one pointer row, one polite lock.

Readers query `marts.<mart>`, a fixed view on the partition the pointer names, or on the rows that the run it names has
(`kehu.warehouse.kept`); personal columns are masked in it (`kehu.warehouse.masks`).

A night is built beside the published one, attached to the store, audited there, and shown by moving the pointer.
docs/decisions/0003 says why no other technique held.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import psycopg
from psycopg import Connection, sql
from psycopg.errors import LockNotAvailable

from kehu.warehouse.comments import describe_views
from kehu.warehouse.kept import forget, kept_marts, kept_of, reading_view
from kehu.warehouse.masks import clear_readers, masked, masked_columns
from kehu.warehouse.runs import Night
from kehu.warehouse.shapes import shape

PUBLISH_LOCK = 0x6B757075
KEPT_RUNS = 3
READERS = ("bi_reader",)


class PublishError(RuntimeError):
    """A night cannot be attached or published; what readers see has not changed."""


def attach(url: str, night: Night) -> dict[str, int]:
    """Attach every mart of the night to the store, each in a transaction of its own; return rows per mart.

    Attaching shows nothing yet. A second call attaches only what is still loose.

    Raises
    ------
    PublishError
        If a mart lost a column or changed one's type against the published shape.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        names, kept = _marts_of(connection, night), kept_of(connection, night)
        lost = sorted(_published_marts(connection) - {*names, *kept})
        if not names or lost:
            raise PublishError(
                f"run {night.run_id} lacks {', '.join(lost) or 'all marts'}; readers would find it empty:"
                " keep the model, or drop the mart from marts, pii, store and kept by a migration"
            )
        if changed := sorted(set(names) & kept_marts(connection)):
            raise PublishError(
                f"{changed[0]}: it was kept from run to run and is a table now, so older runs could not be read:"
                f" keep it incremental, or publish it as {changed[0]}_v2"
            )
        for name in names:
            with connection.transaction():
                _attach_one(connection, night, name)
        for name in kept:
            with connection.transaction():
                _require_columns(connection, f"marts.{name}", night, name)
                _show(connection, name, reading_view(connection, name))
        connection.execute(
            "update ops.runs set status = 'attached' where run_id = %s and status = 'open'", [night.run_id]
        )
        return {name: _count(connection, night, name) for name in [*names, *kept]}


def publish(
    url: str, night: Night, patience_seconds: float = 600.0, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Move the pointer to an attached night.

    The lock that makes the move clean is asked for politely (100 ms at a time, with jitter), so that a slow
    reader never makes others queue; after `patience_seconds` the pointer is moved without it.
    """
    move = """
        with previous as (select run_id from store.current),
        moved as (update store.current set run_id = %(run)s returning run_id)
        insert into store.publication_log (run_id, previous_run_id)
        select moved.run_id, previous.run_id from moved cross join previous
    """
    deadline = time.monotonic() + patience_seconds
    with psycopg.connect(url, autocommit=True) as connection:
        _require_attached(connection, night)
        while True:
            polite = time.monotonic() < deadline
            try:
                with connection.transaction():
                    connection.execute("set local lock_timeout = '100ms'" if polite else "set local lock_timeout = 0")
                    connection.execute("select pg_advisory_xact_lock(%s)", [PUBLISH_LOCK])
                    if polite:
                        connection.execute("lock table store.current in access exclusive mode")
                    connection.execute(move, {"run": night.run_id})
                    connection.execute("update ops.runs set status = 'published' where run_id = %s", [night.run_id])
                describe_views(connection, night)
                return
            except LockNotAvailable:
                sleep(random.uniform(0.05, 0.25))  # noqa: S311  (jitter)


def retire(url: str, keep: int = KEPT_RUNS) -> list[int]:
    """Detach and drop runs that are not among the newest `keep` published ones; return their ids."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            """
            select run_id from ops.runs
            where
                run_id not in (
                    select run_id from ops.runs
                    where status = 'published' order by run_id desc limit %s
                )
                and run_id is distinct from (select run_id from store.current)
                and run_id < (select max(run_id) from ops.runs)
                and status <> 'retired'
            order by run_id
            """,
            [keep],
        ).fetchall()
        for (run_id,) in rows:
            _retire_one(connection, run_id)
        if oldest := _oldest_kept(connection):
            forget(connection, oldest)
        return [run_id for (run_id,) in rows]


def previous_night(url: str) -> Night | None:
    """The newest kept run before the published one: where a roll-back goes."""
    query = """
        select run_id, as_of_date
        from ops.runs
        where status = 'published' and run_id < (select run_id from store.current)
        order by run_id desc limit 1
    """
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return Night(*row) if row else None


def _marts_of(connection: Connection, night: Night) -> list[str]:
    query = "select tablename from pg_tables where schemaname = %s order by tablename"
    return [name for (name,) in connection.execute(query, [night.schema]).fetchall()]


def _published_marts(connection: Connection) -> set[str]:
    query = "select relname from pg_class where relkind = 'p' and relnamespace = 'store'::regnamespace"
    return {name for (name,) in connection.execute(query).fetchall()} | kept_marts(connection)


def _oldest_kept(connection: Connection) -> int | None:
    row = connection.execute("select min(run_id) from ops.runs where status = 'published'").fetchone()
    return row[0] if row else None


def _count(connection: Connection, night: Night, name: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(night.schema, name))
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _attach_one(connection: Connection, night: Night, name: str) -> None:
    part, parent = sql.Identifier(night.schema, name), sql.Identifier("store", name)
    run = sql.Literal(night.run_id)
    attached = connection.execute(
        "select 1 from pg_inherits where inhrelid = to_regclass(%s)", [f"{night.schema}.{name}"]
    ).fetchone()
    if attached:
        return
    # A constant default on a new column touches no row, so models need not know about runs.
    connection.execute(
        sql.SQL(
            "alter table {} add column if not exists run_id bigint not null default {},"
            " drop constraint if exists one_run, add constraint one_run check (run_id = {})"
        ).format(part, run, run)
    )
    _match_parent(connection, night, name)
    connection.execute(sql.SQL("alter table {} attach partition {} for values in ({})").format(parent, part, run))


def _match_parent(connection: Connection, night: Night, name: str) -> None:
    """Create or widen the mart in the store and its view, so that the night's table fits."""
    part, parent = sql.Identifier(night.schema, name), sql.Identifier("store", name)
    new = shape(connection, f"{night.schema}.{name}")
    if connection.execute("select to_regclass(%s)", [f"store.{name}"]).fetchone() == (None,):
        connection.execute(
            sql.SQL("create table {} (like {} including comments) partition by list (run_id)").format(parent, part)
        )
    old = _require_columns(connection, f"store.{name}", night, name)
    for column in (name for name in new if name not in old):
        connection.execute(
            sql.SQL("alter table {} add column {} {}").format(parent, sql.Identifier(column), sql.SQL(new[column]))
        )
    columns = shape(connection, f"store.{name}")
    query = sql.SQL("select {} from {} where run_id = (select pointer.run_id from store.current as pointer)")
    _show(
        connection,
        name,
        query.format(sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier("store", name)),
    )


def _require_columns(connection: Connection, readers_use: str, night: Night, name: str) -> dict[str, str]:
    """The columns and types that readers know; the night's mart must have them all."""
    old, new = shape(connection, readers_use), shape(connection, f"{night.schema}.{name}")
    broken = [column for column, kind in old.items() if new.get(column) != kind]
    if broken:
        raise PublishError(
            f"{name}: column {broken[0]} was removed or changed its type; readers still use it:"
            f" keep it, or publish the new shape as {name}_v2"
        )
    return old


def _show(connection: Connection, name: str, query: sql.Composed) -> None:
    """Make readers' views of a mart: one; where columns are personal one in clear text, and on top of it the masked."""
    kinds = masked_columns(connection, name)
    if not kinds and not shape(connection, f"pii.{name}"):
        _create_view(connection, "marts", name, query, READERS)
        return
    _create_view(connection, "pii", name, query, clear_readers(name))
    shown = shape(connection, f"pii.{name}")
    columns = [masked(column, kinds.get(column), column_type) for column, column_type in shown.items()]
    select = sql.SQL("select {} from {}").format(sql.SQL(", ").join(columns), sql.Identifier("pii", name))
    _create_view(connection, "marts", name, select, READERS)


def _create_view(connection: Connection, schema: str, name: str, query: sql.Composed, readers: Sequence[str]) -> None:
    view = sql.Identifier(schema, name)
    # DDL on a view that people read must not queue in front of them: only when its definition is new.
    before = connection.execute("select pg_get_viewdef(to_regclass(%s))", [f"{schema}.{name}"]).fetchone()
    connection.execute(sql.SQL("create or replace temporary view __wanted as {}").format(query))
    wanted = connection.execute("select pg_get_viewdef(to_regclass('pg_temp.__wanted'))").fetchone()
    connection.execute("drop view pg_temp.__wanted")
    if before == wanted:
        return
    connection.execute(sql.SQL("create or replace view {} with (security_barrier) as {}").format(view, query))
    for reader in readers:
        connection.execute(sql.SQL("grant select on {} to {}").format(view, sql.Identifier(reader)))


def _require_attached(connection: Connection, night: Night) -> None:
    loose = connection.execute(
        """
        select tables.tablename from pg_tables as tables
        where tables.schemaname = %s and not exists (
            select 1 from pg_inherits
            where inhrelid = (quote_ident(tables.schemaname) || '.' || quote_ident(tables.tablename))::regclass
        )
        """,
        [night.schema],
    ).fetchall()
    if loose or not _marts_of(connection, night):
        raise PublishError(f"run {night.run_id} is not attached to the store; nothing was published")


def _retire_one(connection: Connection, run_id: int) -> None:
    schema = f"run_{run_id}"
    attached = connection.execute(
        """
        select parent.relname, child.relname, inherits.inhdetachpending
        from pg_inherits as inherits
        inner join pg_class as child on inherits.inhrelid = child.oid
        inner join pg_class as parent on inherits.inhparent = parent.oid
        inner join pg_namespace as namespace on child.relnamespace = namespace.oid
        where namespace.nspname = %s and parent.relkind = 'p'
        """,
        [schema],
    ).fetchall()
    for parent, child, is_pending in attached:
        statement = sql.SQL("alter table {} detach partition {} {}").format(
            sql.Identifier("store", parent),
            sql.Identifier(schema, child),
            sql.SQL("finalize" if is_pending else "concurrently"),
        )
        connection.execute(statement)
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
    connection.execute("delete from ops.manifests where run_id = %s", [run_id])
    connection.execute("update ops.runs set status = 'retired' where run_id = %s", [run_id])
