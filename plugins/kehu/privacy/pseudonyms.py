"""Keyed pseudonyms of mail addresses and phone numbers: equal values have equal ones, and nobody reads them back.

A value is hashed once, after it has been normalised, and kept in `identity.pseudonyms` for the marts to join. With
another key all are made anew: pseudonyms of two keys never stand beside each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa

from kehu.privacy.keys import HashKey
from kehu.warehouse.tables import append, connect

# Each has its normalised values in `identity.normal_<domain>s`.
DOMAINS = ("mail", "phone")
NEW = """
select distinct {domain} as value from identity.normal_{domain}s as normal
where
    {domain} is not null
    and not exists (
        select from identity.pseudonyms as known where known.domain = '{domain}' and known.value = normal.{domain}
    )
order by 1
"""


def pseudonymise(url: str, key: HashKey) -> int:
    """Hash the normalised values that have no pseudonym of this key yet; return how many.

    Those of another key are forgotten first, in a transaction of its own: a break in between leaves too few of them,
    never a mixture.
    """
    with connect(url) as reading, connect(url) as writing:
        _forget_other_keys(reading, key)
        return sum(_extend(reading, writing, key, domain) for domain in DOMAINS)


def _forget_other_keys(connection: adbc.Connection, key: HashKey) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"delete from identity.pseudonyms where key_id <> '{key.key_id}'")  # noqa: S608  (hexadecimal)
    connection.commit()


def _extend(reading: adbc.Connection, writing: adbc.Connection, key: HashKey, domain: str) -> int:
    return sum(
        append(writing, "identity", "pseudonyms", _hashed(values, key, domain)) for values in _new(reading, domain)
    )


def _new(connection: adbc.Connection, domain: str) -> Iterator[list[str]]:
    """The values without a pseudonym, in batches."""
    with connection.cursor() as cursor:
        cursor.execute(NEW.format(domain=domain))
        for batch in cursor.fetch_record_batch():
            if batch.num_rows:
                yield batch.column(0).to_pylist()


def _hashed(values: list[str], key: HashKey, domain: str) -> pa.Table:
    return pa.table(
        {
            "domain": [domain] * len(values),
            "value": values,
            "pseudonym": [key.hash(domain, value) for value in values],
            "key_id": [key.key_id] * len(values),
        }
    )
