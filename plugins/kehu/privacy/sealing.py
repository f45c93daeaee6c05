"""The golden record's history with personal fields sealed: masked to look at, whole under the person's key alone.

What tonight tells is sealed once and remembered in `vault.sealed_records`; a night seals what differs from there. Equal
values seal to equal texts, so `kehu.warehouse.history` compares periods as if they were clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import yaml
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from kehu.paths import DBT_PROJECT
from kehu.privacy.vault import PersonKey, Vault
from kehu.warehouse import history
from kehu.warehouse.manifests import personal_columns
from kehu.warehouse.masks import MASKS, mask, masked
from kehu.warehouse.runs import Night

BATCH = 10_000
GOLDEN_RECORD = "dim_customers"
COLUMNS = """
select attname, format_type(atttypid, atttypmod) from pg_attribute
where
    attrelid = 'history.customers'::regclass and attnum > 0 and not attisdropped
    and attname not in ('valid_from', 'valid_to', 'sealed')
order by attnum
"""
TONIGHT = "create temporary table tonight_clear on commit drop as select customer_id, {clear} as clear from {customers}"
# What tonight tells otherwise than when it was last sealed, what was sealed under a key that is gone, and what was kept
# before anything was sealed.
TO_SEAL = """
with wanted as (
    select tonight.customer_id, tonight.clear from pg_temp.tonight_clear as tonight
    left join vault.sealed_records as known using (customer_id)
    left join vault.person_keys as keys using (customer_id)
    where known.clear is distinct from tonight.clear or keys.customer_id is null
    union
    select customer_id, {clear} from history.customers where sealed is null
)
select wanted.customer_id, wanted.clear, keys.wrapped_key, keys.key_id
from wanted left join vault.person_keys as keys using (customer_id) order by wanted.customer_id
"""
REMEMBER = """
insert into vault.sealed_records
select customer_id, clear, fresh.sealed from pg_temp.freshly_sealed as fresh
inner join pg_temp.tonight_clear as tonight using (customer_id, clear)
on conflict (customer_id) do update set clear = excluded.clear, sealed = excluded.sealed
"""
FORGET = """
delete from vault.sealed_records as known
where not exists (select from pg_temp.tonight_clear as tonight where tonight.customer_id = known.customer_id)
"""
SEAL_OLDER = """
update history.customers as older set {masks}, sealed = fresh.sealed
from pg_temp.freshly_sealed as fresh
where older.sealed is null and older.customer_id = fresh.customer_id and {clear} = fresh.clear
"""
SEALED_TONIGHT = """
create temporary table tonight_sealed on commit drop as
select {shown}, known.sealed from {customers} as customers inner join vault.sealed_records as known using (customer_id)
"""
OLD_KEYS = "select customer_id, wrapped_key, key_id from vault.person_keys where key_id <> %s"
REWRAP = """
update vault.person_keys as keys set wrapped_key = fresh.wrapped_key, key_id = %s
from pg_temp.rewrapped as fresh where keys.customer_id = fresh.customer_id
"""


class SealingError(RuntimeError):
    """Nobody says what is to be sealed, so nothing is kept."""


def personal_kinds(project: Path = DBT_PROJECT) -> dict[str, str]:
    """The personal columns of the golden record and what they hold, as its contract declares them.

    Raises
    ------
    SealingError
        If none is declared, or in a word that says nothing: in doubt a night keeps nothing rather than clear text.
    """
    for file in sorted((project / "models" / "marts").glob("*/_*__models.yml")):
        for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]:
            if model["name"] == GOLDEN_RECORD and (
                kinds := personal_columns({"columns": {column["name"]: column for column in model["columns"]}})
            ):
                return _known(kinds)
    raise SealingError(f"no column of {GOLDEN_RECORD} is declared personal: there is nothing to be sealed")


def _known(kinds: dict[str, str]) -> dict[str, str]:
    for column, kind in kinds.items():
        if kind not in MASKS:
            raise SealingError(f"{GOLDEN_RECORD}.{column}: personal: {kind} is none of {', '.join(MASKS)}")
    return kinds


def keep_night(connection: Connection, night: Night, vault: Vault) -> int:
    """Keep the golden record that a night has built (`keep_customers`); return how many customers changed."""
    customers = sql.Identifier(night.schema, GOLDEN_RECORD)
    return keep_customers(connection, customers, personal_kinds(), night.as_of_date, vault)


def keep_customers(
    connection: Connection, customers: sql.Composable, kinds: Mapping[str, str], day: date, vault: Vault
) -> int:
    """Bring `history.customers` up to a night, in the caller's transaction; return how many customers changed.

    Parameters
    ----------
    connection
        The transaction.
    customers
        A relation with the golden record in clear text, one row per customer.
    kinds
        Its personal columns and what they hold.
    day
        The night.
    vault
        What opens people's keys.

    Raises
    ------
    VaultError
        If people's keys are wrapped by a secret that is not here.
    """
    types: dict[str, str] = dict(connection.execute(COLUMNS).fetchall())
    sealed = {column: kinds[column] for column in types if MASKS.get(kinds.get(column, "identifier"))}
    clear = _clear(sealed)
    shown = sql.SQL(", ").join([masked(one, sealed.get(one), column_type) for one, column_type in types.items()])
    _take_over_keys(connection, vault)
    connection.execute(sql.SQL(TONIGHT).format(clear=clear, customers=customers))
    _seal(connection, sql.SQL(TO_SEAL).format(clear=clear), vault)
    connection.execute(REMEMBER)
    connection.execute(FORGET)
    masks = sql.SQL(", ").join(
        [sql.SQL("{} = {}").format(sql.Identifier(one), mask(one, kind, types[one])) for one, kind in sealed.items()]
    )
    if connection.execute(sql.SQL(SEAL_OLDER).format(masks=masks, clear=clear)).rowcount:
        connection.execute("analyze history.customers")  # the statistics quote what was there
    connection.execute(sql.SQL(SEALED_TONIGHT).format(shown=shown, customers=customers))
    return history.keep(connection, "customers", sql.Identifier("pg_temp", "tonight_sealed"), day)


def _clear(sealed: Mapping[str, str]) -> sql.Composable:
    """The personal fields of a row that has them, as JSON."""
    pairs = sql.SQL(", ").join(
        sql.SQL("{}, {}").format(sql.Literal(column), sql.Identifier(column)) for column in sealed
    )
    return sql.SQL("jsonb_strip_nulls(jsonb_build_object({}))").format(pairs)


def _take_over_keys(connection: Connection, vault: Vault) -> None:
    """Wrap by the present secret what another one wrapped: copies of the old rows open with the old one alone."""
    rows = connection.execute(OLD_KEYS, [vault.key_id]).fetchall()
    if not rows:
        return
    connection.execute("create temporary table rewrapped (customer_id text, wrapped_key bytea) on commit drop")
    fresh = [(customer_id, vault.rewrap(customer_id, wrapped, key_id)) for customer_id, wrapped, key_id in rows]
    _copy(connection, "rewrapped", fresh)
    connection.execute(REWRAP, [vault.key_id])


def _seal(connection: Connection, query: sql.Composed, vault: Vault) -> None:
    """Seal rows of (customer, fields) into `pg_temp.freshly_sealed`; who has no key yet gets one."""
    connection.execute(
        "create temporary table freshly_sealed (customer_id text, clear jsonb, sealed jsonb) on commit drop"
    )
    connection.execute("create temporary table fresh_keys (like vault.person_keys) on commit drop")
    with connection.cursor(name="to_seal") as cursor:
        cursor.execute(query)
        keys = _Keys(vault)
        while rows := cursor.fetchmany(BATCH):
            sealed = [
                (customer_id, Jsonb(clear), Jsonb(keys.of(customer_id, wrapped, key_id).seal_fields(clear)))
                for customer_id, clear, wrapped, key_id in rows
            ]
            _copy(connection, "freshly_sealed", sealed)
            _copy(connection, "fresh_keys", keys.drawn())
    connection.execute("insert into vault.person_keys select * from pg_temp.fresh_keys")
    # Of the key alone: the planner's statistics would quote the rest, in a table that is logged.
    connection.execute("analyze pg_temp.freshly_sealed (customer_id)")


class _Keys:
    """Keys of people who come in order, drawn for those who have none."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._last: PersonKey | None = None
        self._drawn: list[tuple[str, bytes, str]] = []

    def of(self, customer_id: str, wrapped: bytes | None, key_id: str | None) -> PersonKey:
        if self._last is None or self._last.customer_id != customer_id:
            if wrapped is None or key_id is None:
                wrapped, key_id = self._vault.draw(), self._vault.key_id
                self._drawn.append((customer_id, wrapped, key_id))
            self._last = self._vault.unwrap(customer_id, wrapped, key_id)
        return self._last

    def drawn(self) -> list[tuple[str, bytes, str]]:
        """The keys drawn since the last call."""
        drawn, self._drawn = self._drawn, []
        return drawn


def _copy(connection: Connection, table: str, rows: list[tuple]) -> None:
    with connection.cursor().copy(sql.SQL("copy {} from stdin").format(sql.Identifier("pg_temp", table))) as copy:
        for row in rows:
            copy.write_row(row)
