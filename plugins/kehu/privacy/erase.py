"""Forget people everywhere, in one transaction that ends with a scan of everything: it is all gone, or nothing is.

1. Raw rows that name one of their keys are removed, in all versions, and the keys go into the suppression list.
2. What is derived from raw rows and made anew each night (`staging`, `intermediate`, `ml_features`) is dropped, the
   dictionaries of values are emptied, and kept models are told to work out all rows.
3. In every other table of every schema rows that are theirs are removed: a cell is their id or a key of theirs. One of
   these rows is the key that what was known of them is sealed under: copies of the history elsewhere open no more.
4. What is left is words in other people's rows: these are overwritten, in tables, in their sealed history and in files.
5. A scan must find nothing, what is sealed opened, or all is rolled back.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import psycopg
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from kehu.privacy.keys import HashKey
from kehu.privacy.opened import blot_sealed, search_sealed
from kehu.privacy.person import Subjects, UnknownCustomerError, add_shared, find, heir_of
from kehu.privacy.scan import Found, columns_by_table, overwrite, overwrite_files, search, search_files
from kehu.privacy.sought import Sought
from kehu.privacy.subjects import namings
from kehu.privacy.vault import Vault
from kehu.warehouse.landing import columns_of, table_name
from kehu.warehouse.runs import WORK_LOCK

log = logging.getLogger(__name__)
Asked = tuple[str, str, str, datetime]
DERIVED = ("staging", "intermediate", "ml_features")
# The receipts name the ids: they are the tombstones, and mean nobody.
SPARED = (("ops", "erasures", "customer_ids"), ("ops", "erasure_requests", "customer_id"))
DICTIONARIES = (
    "normal_names", "normal_mails", "normal_phones", "normal_companies", "normal_addresses", "normal_births",
    "pseudonyms",
)  # fmt: skip
OLDEST = date(1970, 1, 1)
RAW_TABLES = """
select namespace.nspname, class.relname from pg_class as class
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
where class.relkind = 'r' and namespace.nspname like 'raw\\_%' order by 1, 2
"""
# From this version on a function forgets statistics; before, only a superuser may, in the catalogue itself.
HAS_CLEARING = 180000
FORGET_STATISTICS = """
delete from pg_statistic using pg_attribute as attribute
where
    starelid = attribute.attrelid and staattnum = attribute.attnum
    and attribute.attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) and attribute.attname = %s
"""
OWNING_TYPES = ("text", "varchar", "_text", "_varchar")
NOTE_LIVING = """
insert into pg_temp.gone_loads
select {newest}, 0, count(*) from (
    select distinct on (_record_id) _is_deleted from {raw} where {named}
    order by _record_id asc, _load_id desc, _row_number desc
) as ends
where not _is_deleted
"""
RELEASE = """
delete from ops.{quarantine} as held using {raw} as raw
where held.load_id = raw._load_id and held.row_number = raw._row_number and ({named})
"""
REMOVE = """
with removed as (delete from {raw} where {named} returning _load_id)
select _load_id, count(*) from removed group by 1 order by 1
"""
# A text is known by its hash alone; who else said the same has it read again.
FORGET_READINGS = """
delete from ml.feedback_scores using intermediate.int_feedback__unioned as voices
where voices.customer_id = any(%s) and text_key = encode(sha256(convert_to(voices.text, 'UTF8')), 'hex')
"""
IS_GONE = "select exists (select from ops.erasures where %s = any(customer_ids) and erased_at >= %s)"
SETTLE_LOADS = """
update ops.loads set
    count_rows = count_rows - gone.removed,
    count_suppressed = count_suppressed + gone.removed,
    count_live = count_live - gone.lived
from (select _load_id, sum(removed) as removed, sum(lived) as lived from pg_temp.gone_loads group by 1) as gone
where loads.load_id = gone._load_id
"""


class ErasureError(RuntimeError):
    """An erasure could not be done whole, so nothing of it was; the message names places, never values."""


@dataclass(frozen=True)
class Installation:
    """Where values may lie beside the warehouse: other databases, and folders without their spared parts."""

    databases: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    spared: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """What an erasure did."""

    erasure_id: int
    customer_ids: list[str]
    counts: dict[str, int]
    columns: int
    cells: int
    files: int
    count_left_open: int = 0
    """Requests that mean nobody, or several people, by now: nothing was done for them."""


def request(url: str, customer_ids: Sequence[str], by: str, reason: str) -> int:
    """Ask for customers to be erased by the next run of the DAG `erase`; return how many requests are new.

    Raises
    ------
    ErasureError
        If there is no reason.
    UnknownCustomerError
        If an id means nobody.
    """
    if not reason.strip():
        raise ErasureError("an erasure needs a reason, such as the number of the letter; not the person's name")
    with psycopg.connect(url) as connection:
        find(connection, customer_ids)
        rows = [(one, by, reason.strip()) for one in dict.fromkeys(customer_ids)]
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into ops.erasure_requests (customer_id, requested_by, reason) values (%s, %s, %s)"
                " on conflict do nothing",
                rows,
            )
            return cursor.rowcount


def erase_requested(url: str, key: HashKey, vault: Vault, installation: Installation) -> Receipt | None:
    """Erase all whom the open requests name; None where there is no request.

    A request whose id means no one person, as identities have moved since then, stays open and holds up no other.

    Raises
    ------
    ErasureError
        If a night is at work, no request means one person, or the scan still finds something: nothing is changed then.
    VaultError
        If what is sealed cannot be opened to be looked at.
    """
    with psycopg.connect(url) as connection:
        asked = connection.execute(
            "select customer_id, requested_by, reason, requested_at from ops.erasure_requests order by 1 for update"
        ).fetchall()
        if not asked:
            return None
        _supersede_nights(connection)
        clear = [customer_id for customer_id, *_, moment in asked if _means_one(connection, customer_id, moment)]
        if not clear:
            raise ErasureError(f"nothing was erased: {tell_open(len(asked))}")
        subjects = find(connection, clear)
        done = [row for row in asked if row[0] in subjects.customer_ids]
        add_shared(connection, subjects)
        sought = Sought(subjects.sought)
        counts = _remove(connection, subjects)
        counts += blot_sealed(connection, sought, vault)
        counts += _overwrite(connection, sought, installation)
        scanned = _scan(connection, sought, vault, installation)
        receipt = _write_receipt(connection, done, subjects, key, counts, scanned)
    _compact(url, counts)
    return replace(receipt, count_left_open=len(asked) - len(done))


def tell_open(count: int) -> str:
    """What to do about requests that stay open; ids are not for logs."""
    return (
        f"{count} of ops.erasure_requests mean nobody or several people by their records today; ask anew for whom"
        " identity.heirs(customer_id) names, and delete the request"
    )


def _means_one(connection: Connection, customer_id: str, requested_at: datetime) -> bool:
    """Whether a request means one person; never once an erasure has taken the id, which may be given anew."""
    if connection.execute(IS_GONE, [customer_id, requested_at]).fetchone() == (True,):
        return False
    try:
        heir_of(connection, customer_id)
    except UnknownCustomerError:
        return False
    return True


def _supersede_nights(connection: Connection) -> None:
    """No night may go on with what it read before: a run of our own ends older ones at their next stage."""
    running = connection.execute(
        "select stage from ops.stage_runs where state = 'running' and run_id = (select max(run_id) from ops.runs)"
    ).fetchone()
    if running:
        raise ErasureError(f"a night is at work ({running[0]}): erase when it has ended")
    # A stage that begins from now on waits for this transaction, and then finds its run superseded.
    if connection.execute("select pg_try_advisory_xact_lock(%s)", [WORK_LOCK]).fetchone() != (True,):
        raise ErasureError("a night is at work: erase when it has ended")
    connection.execute(
        "insert into ops.runs (as_of_date, airflow_run_id, status) values"
        " (coalesce((select as_of_date from ops.published_run), %s), 'erasure', 'retired')",
        [OLDEST],
    )


def _remove(connection: Connection, subjects: Subjects) -> Counter[str]:
    counts: Counter[str] = Counter()
    connection.execute(
        "create temporary table gone_loads (_load_id bigint, removed bigint, lived bigint) on commit drop"
    )
    for schema, table in connection.execute(RAW_TABLES).fetchall():
        counts[f"{schema}.{table}"] += _remove_raw(connection, subjects, schema, table)
    connection.execute(SETTLE_LOADS)
    if connection.execute("select to_regclass('intermediate.int_feedback__unioned')").fetchone() != (None,):
        counts["ml.feedback_scores"] += connection.execute(FORGET_READINGS, [subjects.customer_ids]).rowcount
    _drop_derived(connection)
    connection.execute("create temporary table subject_texts (text text primary key) on commit drop")
    with connection.cursor() as cursor:
        cursor.executemany("insert into pg_temp.subject_texts values (%s)", [(one,) for one in subjects.exact])
    connection.execute("analyze pg_temp.subject_texts")
    for (schema, table), columns in _owning_columns(connection).items():
        counts[f"{schema}.{table}"] += _remove_owned(connection, schema, table, columns)
    return +counts


def _remove_raw(connection: Connection, subjects: Subjects, schema: str, table: str) -> int:
    """Remove the rows of a raw table that name a key of theirs; note how many of each load, and of living records."""
    is_record = "_record_id" in columns_of(connection, schema, table)
    source = schema.removeprefix("raw_")
    ways = [way for way in namings(source, table, is_record) if subjects.keys.get(way.key)]
    if not ways:
        return 0
    named = sql.SQL(" or ").join(
        sql.SQL("{} = any({})").format(way.expression(is_record), sql.Literal(sorted(subjects.keys[way.key])))
        for way in ways
    )
    parts = {"raw": sql.Identifier(schema, table), "named": named}
    if is_record and (newest := _newest_load(connection, source, table)):
        connection.execute(sql.SQL(NOTE_LIVING).format(newest=sql.Literal(newest), **parts))
    for quarantine in ("quarantine", "quarantined_values"):
        connection.execute(sql.SQL(RELEASE).format(quarantine=sql.Identifier(quarantine), **parts))
    removed = connection.execute(sql.SQL(REMOVE).format(**parts)).fetchall()
    with connection.cursor() as cursor:
        cursor.executemany("insert into pg_temp.gone_loads values (%s, %s, 0)", removed)
    return sum(count for _, count in removed)


def _newest_load(connection: Connection, source: str, table: str) -> int | None:
    """The load whose count of living records the next one goes on from; None for files."""
    rows = connection.execute(
        "select entity, max(load_id) from ops.loads where source = %s and state is not null group by 1", [source]
    ).fetchall()
    return next((load_id for entity, load_id in rows if table_name(entity) == table), None)


def _drop_derived(connection: Connection) -> None:
    """What each night makes anew; kept models and identity work out all in the next one, as if the code had changed."""
    relations = connection.execute(
        "select relnamespace::regnamespace::text, relname, relkind from pg_class"
        " where relkind in ('r', 'v', 'm') and relnamespace::regnamespace::text = any(%s)",
        [list(DERIVED)],
    ).fetchall()
    for schema, name, kind in relations:
        what = sql.SQL({"r": "table", "v": "view", "m": "materialized view"}[kind])
        connection.execute(sql.SQL("drop {} if exists {} cascade").format(what, sql.Identifier(schema, name)))
    for name in DICTIONARIES:
        connection.execute(sql.SQL("truncate {}").format(sql.Identifier("identity", name)))
    connection.execute("truncate vault.sealed_records")
    connection.execute("update ops.model_states set code_version = 'erased'")
    connection.execute("update identity.nights set holds_state = false")


def _owning_columns(connection: Connection) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """The columns whose cells may be an id or a key; raw tables say what their columns name, and are done before."""
    texts = {
        place: [(name, kind) for name, kind in columns if kind in OWNING_TYPES]
        for place, columns in columns_by_table(connection, SPARED, ("r",)).items()
        if not place[0].startswith("raw_")
    }
    return {place: columns for place, columns in texts.items() if columns}


def _remove_owned(connection: Connection, schema: str, table: str, columns: Sequence[tuple[str, str]]) -> int:
    """Remove the rows of which a cell is one of the texts."""
    wanted = sql.SQL("(select text from pg_temp.subject_texts)")
    tests = [
        sql.SQL("exists (select from unnest({}) as one where one in {})").format(sql.Identifier(name), wanted)
        if kind.startswith("_")
        else sql.SQL("{} in {}").format(sql.Identifier(name), wanted)
        for name, kind in columns
    ]
    parts = {"table": sql.Identifier(schema, table), "owned": sql.SQL(" or ").join(tests)}
    # Tables that are only added to refuse a statement, also one that would remove nothing.
    if connection.execute(
        sql.SQL("select exists (select from only {table} where {owned})").format(**parts)
    ).fetchone() == (False,):
        return 0
    return connection.execute(sql.SQL("delete from only {table} where {owned}").format(**parts)).rowcount


def _overwrite(connection: Connection, sought: Sought, installation: Installation) -> Counter[str]:
    """Overwrite the values in what belongs to others, and let the planner forget what it noted of them."""
    counts: Counter[str] = Counter()
    found = search(connection, sought, SPARED)
    for schema, table, name in found.columns_hit:
        counts[f"{schema}.{table} (overwritten)"] += overwrite(connection, sought, schema, table, name)
    for place in found.statistics_hit:
        _forget_statistics(connection, *place)
    counts["files (overwritten)"] += overwrite_files(installation.folders, sought, installation.spared)
    return +counts


def _forget_statistics(connection: Connection, schema: str, table: str, column: str) -> None:
    """Remove what the planner noted of a column; `analyze` would keep it for a table that has become empty."""
    if connection.info.server_version < HAS_CLEARING:
        connection.execute(FORGET_STATISTICS, [schema, table, column])
        return
    for is_inherited in (False, True):
        connection.execute("select pg_clear_attribute_stats(%s, %s, %s, %s)", [schema, table, column, is_inherited])


def _scan(connection: Connection, sought: Sought, vault: Vault, installation: Installation) -> Found:
    """Look at everything.

    Raises
    ------
    ErasureError
        If anything is left; the message names the places.
    """
    found = search(connection, sought, SPARED)
    found.places.update(search_sealed(connection, sought, vault))
    for url in installation.databases:
        with psycopg.connect(url) as other:
            _add(found, search(other, sought), "another database: ")
    _add(found, search_files(installation.folders, sought, installation.spared), "")
    if found.count:
        raise ErasureError(f"nothing was erased: values would be left in {', '.join(sorted(found.places))}")
    return found


def _add(found: Found, more: Found, prefix: str) -> None:
    found.places.update({f"{prefix}{place}": count for place, count in more.places.items()})
    found.columns, found.cells, found.files = (
        found.columns + more.columns, found.cells + more.cells, found.files + more.files
    )  # fmt: skip


def _write_receipt(
    connection: Connection,
    asked: Sequence[Asked],
    subjects: Subjects,
    key: HashKey,
    counts: Counter[str],
    scanned: Found,
) -> Receipt:
    places = {"columns": scanned.columns, "cells": scanned.cells, "files": scanned.files}
    (erasure_id,) = connection.execute(
        """
        insert into ops.erasures (
            customer_ids, requested_by, reasons, requested_at, key_id, value_hashes, count_found, counts,
            places_scanned, count_residue
        )
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning erasure_id
        """,
        [
            subjects.customer_ids, sorted({by for _, by, _, _ in asked}), sorted({why for _, _, why, _ in asked}),
            min(moment for *_, moment in asked), key.key_id,
            sorted(key.hash("value", value) for value in subjects.sought), counts.total(), Jsonb(dict(counts)),
            Jsonb(places), scanned.count,
        ],
    ).fetchone() or (0,)  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.suppressed_keys values (%s, %s, %s, %s) on conflict do nothing",
            [
                (kind, key.hash(kind, value), key.key_id, erasure_id)
                for kind, values in sorted(subjects.keys.items())
                for value in sorted(values)
            ],
        )
        cursor.execute("delete from ops.erasure_requests where customer_id = any(%s)", [[one for one, *_ in asked]])
    return Receipt(erasure_id, subjects.customer_ids, dict(counts), scanned.columns, scanned.cells, scanned.files)


def _compact(url: str, counts: Counter[str]) -> None:
    """Write the touched tables anew: what was removed leaves the server's files too."""
    with psycopg.connect(url, autocommit=True) as connection:
        for place in sorted({" ".join(place.split(" ")[:1]) for place in counts}):
            parts = place.split(".")[:2]
            if len(parts) == 2 and connection.execute("select to_regclass(%s)", [".".join(parts)]).fetchone() != (
                None,
            ):
                connection.execute(sql.SQL("vacuum (full, analyze) {}").format(sql.Identifier(*parts)))
