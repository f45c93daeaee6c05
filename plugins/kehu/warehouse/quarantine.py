"""Loads on their way through the raw gate, and the rows that were left out on it.

Quarantine keeps positions and reasons; the values stay in the raw table alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import psycopg

from kehu.warehouse.runs import Night


@dataclass(frozen=True)
class Load:
    """One landed load that no gate has accepted yet; `file_name` is None where the rows came from no file."""

    load_id: int
    source: str
    entity: str
    file_name: str | None
    count_rows: int


@dataclass(frozen=True)
class BadRow:
    """A row that breaks a rule."""

    load_id: int
    row_number: int
    rule: str
    reason: str


@dataclass(frozen=True)
class BadValue:
    """A field of a record that breaks a rule; the record stays without it."""

    load_id: int
    row_number: int
    field: str
    rule: str
    reason: str


def loads_to_check(url: str, source: str, entity: str, night: Night) -> list[Load]:
    """Newest versions of an entity's daily files, up to the night, that are not accepted; oldest day first.

    A file that was rejected stays on this list until a corrected version arrives.
    """
    query = """
        select load_id, source, entity, file_name, count_rows
        from (
            select distinct on (file_date) * from ops.loads
            where source = %s and entity = %s and file_date <= %s and replays_load_id is null
            order by file_date, load_id desc
        ) as newest
        where status <> 'accepted' order by file_date
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [source, entity, night.as_of_date]).fetchall()
    return [Load(*row) for row in rows]


def replays_to_check(url: str, source: str, entity: str, night: Night) -> list[Load]:
    """Corrected rows of an entity that no gate has looked at."""
    query = """
        select load_id, source, entity, file_name, count_rows from ops.loads
        where source = %s and entity = %s and as_of_date <= %s and replays_load_id is not null and status = 'landed'
        order by load_id
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [source, entity, night.as_of_date]).fetchall()
    return [Load(*row) for row in rows]


def fresh_loads(url: str, night: Night) -> list[Load]:
    """Every load up to the night that no gate has looked at, in the order they landed."""
    query = """
        select load_id, source, entity, file_name, count_rows from ops.loads
        where status = 'landed' and as_of_date <= %s order by load_id
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [night.as_of_date]).fetchall()
    return [Load(*row) for row in rows]


def unrelated_loads(url: str, night: Night) -> list[Load]:
    """Accepted loads up to the night whose references nobody has looked at."""
    query = """
        select load_id, source, entity, file_name, count_rows from ops.loads
        where status = 'accepted' and not is_related and as_of_date <= %s order by load_id
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [night.as_of_date]).fetchall()
    return [Load(*row) for row in rows]


def tables_with_faults(url: str) -> set[tuple[str, str]]:
    """Schema and name of the raw tables whose rows are records, each with the fault that reading found."""
    query = """
        select table_schema, table_name from information_schema.columns
        where table_schema like 'raw\\_%' and column_name = '_fault'
    """
    with psycopg.connect(url) as connection:
        return set(connection.execute(query).fetchall())


def unread_rows(url: str, loads: Iterable[Load]) -> list[BadRow]:
    """The lines of these loads that no parser could read."""
    query = "select load_id, unnest(unread_rows) from ops.loads where load_id = any(%s) and unread_rows is not null"
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [[load.load_id for load in loads]]).fetchall()
    reason = "the line's quoting or number of fields is broken"
    return [BadRow(load_id, row_number, "line_is_read", reason) for load_id, row_number in rows]


def settle(
    url: str,
    night: Night,
    accepted: Iterable[Load],
    rejected: Iterable[Load],
    bad: Iterable[BadRow],
    values: Iterable[BadValue] = (),
) -> None:
    """Accept and reject loads and keep what is bad in the accepted ones, in one transaction."""
    accepted_ids = [load.load_id for load in accepted]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("update ops.loads set status = 'accepted' where load_id = any(%s)", [accepted_ids])
        cursor.execute(
            "update ops.loads set status = 'rejected' where load_id = any(%s)", [[load.load_id for load in rejected]]
        )
        cursor.execute("delete from ops.quarantine where load_id = any(%s)", [accepted_ids])
        cursor.execute("delete from ops.quarantined_values where load_id = any(%s)", [accepted_ids])
        put_aside(connection, night, bad, values)
        # Which loads are accepted has just changed wholesale; staging's joins are planned by it.
        cursor.execute("analyze ops.loads, ops.quarantine, ops.quarantined_values")


def put_aside(
    connection: psycopg.Connection, night: Night, bad: Iterable[BadRow], values: Iterable[BadValue] = ()
) -> None:
    """Keep bad rows and values, within the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.quarantine (load_id, row_number, rule, reason, run_id) values (%s, %s, %s, %s, %s)"
            " on conflict do nothing",
            [(row.load_id, row.row_number, row.rule, row.reason, night.run_id) for row in bad],
        )
        cursor.executemany(
            """
            insert into ops.quarantined_values (load_id, row_number, field, rule, reason, run_id)
            values (%s, %s, %s, %s, %s, %s) on conflict do nothing
            """,
            [(one.load_id, one.row_number, one.field, one.rule, one.reason, night.run_id) for one in values],
        )


def quarantined_in(url: str, run_id: int, limit: int = 20) -> list[str]:
    """One line per row this run quarantined: file, row, reason; the first `limit` of them."""
    query = """
        select
            loads.source, coalesce(loads.file_name, loads.entity), quarantine.row_number,
            string_agg(quarantine.reason, '; ' order by rule)
        from ops.quarantine as quarantine
        inner join ops.loads as loads on quarantine.load_id = loads.load_id
        where quarantine.run_id = %s
        group by loads.source, loads.entity, loads.file_date, loads.file_name, quarantine.load_id, quarantine.row_number
        order by loads.source, loads.file_date, quarantine.load_id, quarantine.row_number limit %s
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [run_id, limit]).fetchall()
    return [f"{source}: {name}, row {number}: {reason}" for source, name, number, reason in rows]


def accepted_rows(url: str, source: str, entity: str, night: Night) -> int:
    """Rows in the newest accepted versions of an entity's daily files up to the night."""
    query = """
        select coalesce(sum(count_rows), 0)
        from (
            select distinct on (file_date) count_rows from ops.loads
            where source = %s and entity = %s and file_date <= %s and status = 'accepted' and replays_load_id is null
            order by file_date, load_id desc
        ) as newest
    """
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [source, entity, night.as_of_date]).fetchone()
    assert row is not None
    return int(row[0])


class WaiverError(ValueError):
    """A waiver that would let nothing through."""


def waive(url: str, load_id: int, by: str, reason: str) -> str:
    """Let a load that waits at the raw gate pass the comparison with earlier nights; return its file's name.

    Raises
    ------
    WaiverError
        If the reason is empty, or the load does not wait: there is none, or it was accepted already.
    """
    if not reason.strip():
        raise WaiverError("a waiver needs a reason")
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select file_name from ops.loads where load_id = %s and status <> 'accepted' for update", [load_id]
        ).fetchone()
        if row is None:
            raise WaiverError(f"no load {load_id} waits at the raw gate")
        connection.execute(
            """
            insert into ops.waivers (load_id, accepted_by, reason) values (%s, %s, %s)
            on conflict (load_id) do update set
                accepted_by = excluded.accepted_by, reason = excluded.reason, accepted_at = now()
            """,
            [load_id, by, reason.strip()],
        )
    return str(row[0])


def waive_night(url: str, as_of_date: date, by: str, reason: str) -> None:
    """Let a night's scores pass the comparison with the published ones.

    Raises
    ------
    WaiverError
        If the reason is empty.
    """
    if not reason.strip():
        raise WaiverError("a waiver needs a reason")
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            insert into ops.night_waivers (as_of_date, accepted_by, reason) values (%s, %s, %s)
            on conflict (as_of_date) do update set
                accepted_by = excluded.accepted_by, reason = excluded.reason, accepted_at = now()
            """,
            [as_of_date, by, reason.strip()],
        )


def is_waived(url: str, night: Night) -> bool:
    """Whether a person found right that the night's scores differ."""
    query = "select exists (select from ops.night_waivers where as_of_date = %s)"
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [night.as_of_date]).fetchone()
    return bool(row and row[0])
