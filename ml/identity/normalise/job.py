"""The nightly job: each raw value not seen before is normalised once and kept in its dictionary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa

from kehu.warehouse.tables import append, connect
from ml.identity.normalise.addresses import normalise_city, normalise_postcode, normalise_street
from ml.identity.normalise.births import normalise_birth
from ml.identity.normalise.companies import normalise_company
from ml.identity.normalise.mails import normalise_mail
from ml.identity.normalise.names import normalise_name
from ml.identity.normalise.phones import normalise_phone

# A longer value is none of these, and does not fit into the index of a dictionary.
MOST_BYTES = 1_000
VALUES = "intermediate.int_identity_values"
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Dictionary:
    """One table of schema `identity`: its columns, the query of its raw values, and what gives the other columns."""

    table: str
    columns: dict[str, pa.DataType]
    raw: str
    normalise: Callable[..., Row]


def normalise(url: str, as_of: date) -> int:
    """Normalise the raw values of `int_identity_values` that are new, all in one transaction; return how many.

    `as_of` is the night: births after it are none. What is written stays as it is; a repeat finds nothing new.
    """
    with connect(url) as reading, connect(url) as writing:
        return sum(_extend(reading, writing, dictionary) for dictionary in dictionaries(as_of))


def dictionaries(as_of: date) -> list[Dictionary]:
    """The dictionaries of a night."""
    text, raw = pa.string(), {"raw": pa.string()}
    name_columns = ("given_name", "surname", "name_key", "name_compact", "name_han")
    return [
        Dictionary(
            "normal_names", raw | dict.fromkeys(name_columns, text), _of("name_raw"),
            lambda value: astuple(normalise_name(value)),
        ),
        Dictionary(
            "normal_mails", raw | {"mail": text}, _of_array("mails_raw"),
            lambda value: (normalise_mail(value),),
        ),
        Dictionary(
            "normal_phones", raw | {"country": text, "phone": text},
            _of_array("phones_raw", ", coalesce(country, '') as country"),
            lambda value, country: (normalise_phone(value, country),),
        ),
        Dictionary(
            "normal_companies", raw | {"company": text, "company_city": text}, _of("company_raw"),
            lambda value: astuple(normalise_company(value)),
        ),
        Dictionary(
            "normal_addresses", raw | {"part": text, "normal": text},
            " union all ".join(_of(f"{part}_raw", f", '{part}' as part") for part in ADDRESS_PARTS),
            lambda value, part: (ADDRESS_PARTS[part](value),),
        ),
        Dictionary(
            "normal_births", raw | {"birth_date": pa.date32()}, _of("birth_raw"),
            lambda value: (normalise_birth(value, as_of),),
        ),
    ]  # fmt: skip


ADDRESS_PARTS = {"street": normalise_street, "city": normalise_city, "postcode": normalise_postcode}


def _of(column: str, more: str = "") -> str:
    return f"select distinct {column} as raw{more} from {VALUES}"


def _of_array(column: str, more: str = "") -> str:
    return f"select distinct value as raw{more} from {VALUES}, unnest({column}) as value"


def _extend(reading: adbc.Connection, writing: adbc.Connection, dictionary: Dictionary) -> int:
    """Append the new values, a batch at a time."""
    written = 0
    for batch in _new_values(reading, dictionary):
        keys = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        rows = [(*key, *dictionary.normalise(*key)) for key in keys]
        columns = list(zip(*rows, strict=True))
        arrays = [pa.array(c, t) for c, t in zip(columns, dictionary.columns.values(), strict=True)]
        table = pa.table(arrays, names=list(dictionary.columns))
        written += append(writing, "identity", dictionary.table, table)
    return written


def _new_values(reading: adbc.Connection, dictionary: Dictionary) -> Iterator[pa.RecordBatch]:
    """The keys of raw values that the dictionary lacks, in order, in batches."""
    keys = [column for column in dictionary.columns if f"as {column}" in dictionary.raw]
    known = " and ".join(f"known.{key} = found.{key}" for key in keys)
    with reading.cursor() as cursor:
        cursor.execute(f"""
            select {", ".join(keys)}
            from ({dictionary.raw}) as found
            where
                octet_length(raw) <= {MOST_BYTES}
                and not exists (select from identity.{dictionary.table} as known where {known})
            order by raw collate "C"
        """)
        for batch in cursor.fetch_record_batch():
            if batch.num_rows:
                yield batch
