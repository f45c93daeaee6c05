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

from kehu.privacy.sought import Sought
from kehu.privacy.vault import PersonKey, Vault

# Copies of the history: the table of periods, and the marts and sandboxes that were built on it.
TABLES = """
select namespace.nspname, class.relname
from pg_class as class
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
inner join pg_attribute as sealed on class.oid = sealed.attrelid and sealed.attname = 'sealed'
inner join pg_attribute as customer on class.oid = customer.attrelid and customer.attname = 'customer_id'
where
    class.relkind = 'r' and sealed.atttypid = 'jsonb'::regtype
    and namespace.nspname <> 'vault' and namespace.nspname !~ '^pg_'
order by 1, 2
"""
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
        sealed = {field: hit.key.seal(field, value) for field, value in blotted.items()}
        masks = sql.SQL("").join([sql.SQL("{} = null, ").format(sql.Identifier(field)) for field in changed])
        connection.execute(
            sql.SQL("update only {} set {} sealed = %s where ctid = %s::tid").format(
                sql.Identifier(hit.schema, hit.table), masks
            ),
            [Jsonb(sealed), hit.place],
        )
        counts[f"{hit.schema}.{hit.table} (overwritten)"] += 1
    return counts


def _hits(connection: Connection, sought: Sought, vault: Vault) -> Iterator[_Hit]:
    for schema, table in connection.execute(TABLES).fetchall():
        with connection.cursor(name="sealed_rows") as cursor:
            cursor.itersize = BATCH
            query = sql.SQL(ROWS).format(table=sql.Identifier(schema, table))
            for place, sealed, customer_id, wrapped_key, key_id in cursor.execute(query):
                key = vault.unwrap(customer_id, wrapped_key, key_id)
                clear = {field: key.open(field, value) for field, value in sealed.items()}
                if sought.is_in("\n".join(clear.values()).encode()):
                    yield _Hit(schema, table, place, key, clear)
