"""A warehouse to land a few records in and to build layers of the dbt project on."""

from __future__ import annotations

import itertools
import json
import os
from datetime import date
from unittest import mock

import psycopg

from kehu.airflow import dbt, nightly
from kehu.local.environment import with_database
from kehu.warehouse.landing import (
    Entry,
    ensure_column_table,
    ensure_record_table,
    next_load_ids,
    table_name,
    write_ledger,
)
from kehu.warehouse.migrate import migrate
from kehu.warehouse.runs import open_night

DAY = date(2024, 3, 5)
NUMBERS = itertools.count()


class Warehouse:
    """A migrated database, records landed in it as accepted loads, and the layers built on them."""

    def __init__(self, server_url: str):
        name = f"identity_{next(NUMBERS)}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        self.url = with_database(server_url, name)
        migrate(self.url)
        self.run_id = open_night(self.url, DAY, "test").run_id

    def land(self, source, entity, versions):
        """Land (record id, time of change, fields) each; fields None: the record was deleted then."""
        schema, table = f"raw_{source}", table_name(entity)
        with psycopg.connect(self.url) as connection:
            ensure_record_table(connection, schema, table)
            load_id = self._load(connection, source, entity, len(versions))
            insert = f"""
                insert into {schema}.{table} (_load_id, _row_number, _record_id, _is_deleted, _changed_at, record)
                values (%s, %s, %s, %s, %s, %s)
            """
            for number, (record_id, changed_at, fields) in enumerate(versions, 1):
                record = [record_id, fields is None, changed_at + "+00", json.dumps(fields or {})]
                connection.execute(insert, [load_id, number, *record])

    def land_columns(self, source, entity, rows, day=None):
        """Land rows of a file with columns."""
        schema, columns = f"raw_{source}", list(rows[0])
        names = ", ".join(f'"{column}"' for column in columns)
        with psycopg.connect(self.url) as connection:
            ensure_column_table(connection, schema, entity, columns)
            load_id = self._load(connection, source, entity, len(rows), f"{entity}.csv", day)
            places = ", ".join(["%s"] * (len(columns) + 2))
            insert = f"insert into {schema}.{entity} (_load_id, _row_number, {names}) values ({places})"
            for number, row in enumerate(rows, 1):
                connection.execute(insert, [load_id, number, *row.values()])

    def _load(self, connection, source, entity, count, name=None, day=None):
        (load_id,) = next_load_ids(connection, 1)
        entry = Entry(load_id, self.run_id, source, entity, DAY, count, name, day, name and str(load_id))
        write_ledger(connection, [entry])
        connection.execute("update ops.loads set status = 'accepted' where load_id = %s", [load_id])
        return load_id

    def build(self, *layers, day=DAY):
        for layer in layers:
            self.build_nodes(*nightly.LAYERS[layer].select, day=day)

    def build_nodes(self, *nodes, day=DAY, leaves_manifest=False):
        """Build what dbt selects, for the night of a day in a run of its own; its manifest takes a second to write."""
        with mock.patch.dict(os.environ, DBT_WRITE_JSON=str(leaves_manifest)):
            dbt.build(self.url, open_night(self.url, day, "test"), nodes)

    def rows(self, query):
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def values(self, columns, where):
        query = f"select record_key, {columns} from intermediate.int_identity_values where {where} order by record_key"
        return {key: values for key, *values in self.rows(query)}

    def execute(self, statement):
        with psycopg.connect(self.url) as connection:
            connection.execute(statement)


def line(invoice, customer, day="2024-03-01 10:00:00"):
    fields = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
    return dict(zip(fields, (invoice, "P", "THING", "1", day, "1.00", customer, "France"), strict=True))
