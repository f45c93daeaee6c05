"""What is sealed, opened to be searched for an erased person's values, and sealed again without them.

A record that was taken for somebody else's once may have left its values in that person's history, under a key that
stays. So an erasure opens all sealed fields, as it reads all other cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from kehu.privacy.scan import columns_by_table
from kehu.privacy.sought import Sought
from kehu.privacy.vault import PersonKey, Vault

ROWS = """
select periods.ctid::text, periods.sealed, keys.customer_id, keys.wrapped_key, keys.key_id
from only {table} as periods inner join vault.person_keys as keys using (customer_id)
where periods.sealed <> '{{}}'
"""
BATCH = 10_000


@dataclass(frozen=True)
class _Hit:
    """A row with one of the values in it."""

    schema: str
    table: str
    place: str
    key: PersonKey
    clear: dict[str, str]


def search_sealed(connection: Connection, sought: Sought, vault: Vault) -> Counter[str]:
    """How many sealed rows hold one of the values, by table.

    Raises
    ------
    VaultError
        If a key or a field cannot be opened: nobody could say what is in it.
    """
    return Counter(f"{hit.schema}.{hit.table}.sealed" for hit in _hits(connection, sought, vault))


def blot_sealed(connection: Connection, sought: Sought, vault: Vault) -> Counter[str]:
    """Overwrite the values in sealed fields, whose masks are emptied; return how many rows changed, by table.

    Raises
    ------
    VaultError
        As `search_sealed`.
    """
    counts: Counter[str] = Counter()
    for hit in list(_hits(connection, sought, vault)):
        blotted = {field: sought.blot(value.encode()).decode() for field, value in hit.clear.items()}
        changed = [field for field, value in hit.clear.items() if blotted[field] != value]
        masks = sql.SQL("").join([sql.SQL("{} = null, ").format(sql.Identifier(field)) for field in changed])
        connection.execute(
            sql.SQL("update only {} set {} sealed = %s where ctid = %s::tid").format(
                sql.Identifier(hit.schema, hit.table), masks
            ),
            [Jsonb(hit.key.seal_fields(blotted)), hit.place],
        )
        counts[f"{hit.schema}.{hit.table} (overwritten)"] += 1
    return counts


def _copies(connection: Connection) -> list[tuple[str, str]]:
    """The history and what was built on it: marts of kept runs, sandboxes."""
    return [
        (schema, table)
        for (schema, table), columns in columns_by_table(connection, relations=("r",)).items()
        if schema != "vault" and ("sealed", "jsonb") in columns and ("customer_id", "text") in columns
    ]


def _hits(connection: Connection, sought: Sought, vault: Vault) -> Iterator[_Hit]:
    for schema, table in _copies(connection):
        with connection.cursor(name="sealed_rows") as cursor:
            cursor.itersize = BATCH
            query = sql.SQL(ROWS).format(table=sql.Identifier(schema, table))
            for place, sealed, customer_id, wrapped_key, key_id in cursor.execute(query):
                key = vault.unwrap(customer_id, wrapped_key, key_id)
                clear = key.open_fields(sealed)
                if sought.is_in("\n".join(clear.values()).encode()):
                    yield _Hit(schema, table, place, key, clear)
