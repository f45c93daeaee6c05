"""What was known of people, opened for those who may: members of `pii_reader` who have the vault's key too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from kehu.privacy.vault import PersonKey, Vault, VaultError
from kehu.warehouse.masks import PII_READER

KEYS = "select customer_id, wrapped_key, key_id from vault.person_keys where customer_id = any(%s)"
# Former ids that stand for this person and for nobody else, as of the published night: newer identities may not hold.
HISTORY = """
with former as (
    select former.customer_id
    from ops.published_run as published
    cross join lateral identity.former_ids(array[%(customer_id)s], published.as_of_date) as former
    where former.is_theirs_alone
)
select history.* from pii.dim_customer_history as history
where history.customer_id = %(customer_id)s or history.customer_id in (select customer_id from former)
order by history.customer_id, history.valid_from
"""
IS_THERE = "select 1 where num_nulls(to_regclass('pii.dim_customer_history'), to_regclass('vault.person_keys')) = 0"
NOTE = "insert into ops.disclosures (customer_id, disclosed_by, count_rows) values (%s, %s, %s)"


class RevealError(RuntimeError):
    """Nothing may be, or can be, revealed."""


def reveal(url: str, customer_id: str, by: str, vault: Vault) -> list[dict[str, Any]]:
    """The periods of a person in the published history, those of former ids of theirs too, in clear text; it is noted.

    Raises
    ------
    RevealError
        If the user is no member of `pii_reader`, no history is published, or it knows nobody of this id.
    VaultError
        If the person's key cannot be opened.
    """
    with psycopg.connect(url, row_factory=dict_row) as connection:
        require_reader(connection)
        if not connection.execute(IS_THERE).fetchone():
            raise RevealError("no history is published yet that could be opened: run a night first")
        rows = connection.execute(HISTORY, {"customer_id": customer_id}).fetchall()
        if not rows:
            raise RevealError(f"the published history knows nobody of the id {customer_id}")
        opened = open_rows(connection, rows, vault)
        connection.execute(NOTE, [customer_id, by, len(rows)])
    return opened


def require_reader(connection: Connection[Any]) -> None:
    """End here unless the user is a member of `pii_reader`.

    Raises
    ------
    RevealError
        If the user is not.
    """
    member = "select 1 from pg_roles where rolname = %s and pg_has_role(current_user, oid, 'member')"
    if not connection.execute(member, [PII_READER]).fetchone():
        raise RevealError(f"people's data are written out by members of the role {PII_READER} only")


def open_rows(connection: Connection[Any], rows: Sequence[Mapping[str, Any]], vault: Vault) -> list[dict[str, Any]]:
    """The fields that rows have in `sealed`, in clear text, take the places of the masked ones.

    Rows from before anything was sealed have none, and stay as they are.

    Raises
    ------
    VaultError
        If the key of a person is gone or cannot be opened.
    """
    sealed = {row["customer_id"] for row in rows if row.get("sealed")}
    keys = _keys(connection, sealed, vault) if sealed else {}
    return [_opened(row, keys) for row in rows]


def _keys(connection: Connection[Any], customer_ids: Iterable[str], vault: Vault) -> dict[str, PersonKey]:
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(KEYS, [sorted(customer_ids)]).fetchall()
    return {row["customer_id"]: vault.unwrap(**row) for row in found}


def _opened(row: Mapping[str, Any], keys: Mapping[str, PersonKey]) -> dict[str, Any]:
    clear = {}
    if sealed := row.get("sealed"):
        key = keys.get(row["customer_id"])
        if key is None:
            raise VaultError(f"the key of {row['customer_id']} is gone: what was sealed under it cannot be read")
        clear = key.open_fields(sealed)
    return {column: clear.get(column, value) for column, value in row.items() if column != "sealed"}
