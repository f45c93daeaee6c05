"""Frames and Arrow tables in and out of PostgreSQL, by ADBC, cast to the target's column types.

The cast is not cosmetic: ADBC writes an int64 column into a float8 column as garbage without an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pandas as pd
import pyarrow as pa

ARROW_TYPES = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "timestamp": pa.timestamp("us"),
    "_int8": pa.list_(pa.int64()),
}
COLUMNS_OF = """
select attribute.attname, type.typname
from pg_attribute as attribute
inner join pg_type as type on attribute.atttypid = type.oid
where
    attribute.attrelid = to_regclass(quote_ident($1) || '.' || quote_ident($2))
    and attribute.attnum > 0
    and not attribute.attisdropped
"""


class TableError(ValueError):
    """Rows do not fit the table they were meant for."""


@contextmanager
def connect(url: str) -> Iterator[adbc.Connection]:
    """An ADBC connection: one transaction, committed at the end, rolled back on an error."""
    connection = adbc.connect(url)
    try:
        yield connection
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.close()


def read_frame(url: str, query: str) -> pd.DataFrame:
    """The rows of one query as a frame; cast `numeric` to a float or text in the query itself."""
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetch_arrow_table().to_pandas()


def append(connection: adbc.Connection, schema: str, table: str, rows: pa.Table) -> int:
    """Append `rows` to an existing table inside the caller's transaction; return how many.

    Raises
    ------
    TableError
        If the table is unknown, a column is, or a value does not fit its column's type.
    """
    with connection.cursor() as cursor:
        cast = _cast(cursor, schema, table, rows)
        cursor.adbc_ingest(table, cast, mode="append", db_schema_name=schema)
    return int(cast.num_rows)


def replace_night(url: str, schema: str, table: str, frame: pd.DataFrame, as_of_date: date) -> int:
    """Replace one night's rows of a score table in one transaction; return how many."""
    with connect(url) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f'delete from "{schema}"."{table}" where as_of_date = $1::date', [as_of_date.isoformat()])
        return append(connection, schema, table, pa.Table.from_pandas(frame, preserve_index=False))


def _cast(cursor: Any, schema: str, table: str, rows: pa.Table) -> pa.Table:
    cursor.execute(COLUMNS_OF, [schema, table])
    types = dict(cursor.fetchall())
    if not types:
        raise TableError(f"there is no table {schema}.{table}")
    columns = []
    for name in rows.column_names:
        if name not in types:
            raise TableError(f"{schema}.{table} has no column {name!r}")
        target = ARROW_TYPES.get(types[name])
        if target is None:
            raise TableError(f"{schema}.{table}.{name}: columns of type {types[name]} are not written from Arrow")
        try:
            columns.append(rows.column(name).cast(target))
        except pa.ArrowInvalid as error:
            raise TableError(f"{schema}.{table}.{name}: {error}") from None
    return pa.table(columns, names=rows.column_names)
