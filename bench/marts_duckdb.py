"""DuckDB on the SELECTs of the models and the rows that they read: how near PostgreSQL comes to what is possible."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import psycopg
import sqlglot
from sqlglot import exp

from kehu.warehouse.tables import connect

CORE = (
    "stg_shop__order_lines",
    "stg_shop__line_accounts",
    "int_order_lines__classified",
    "int_credit_lines__matched",
    "int_orders__valued",
    "int_products__sold",
    "fct_order_lines",
    "fct_orders",
    "fct_returns",
    "dim_products",
    "dim_customers",
    "fct_customer_segments",
    "fct_customer_lifecycle",
    "fct_customer_value_months",
)
PLAIN = ("text", "bigint", "integer", "boolean", "date")  # others travel as text
TYPES = """
select quote_ident(attname), format_type(atttypid, atttypmod) from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum
"""


def against_duckdb(url: str, target: Path, seconds: dict[str, float]) -> dict:
    """Seconds of each core model as dbt built it (`seconds`, indexes and contract included) over those of DuckDB.

    `target` holds what dbt compiled for a build of all rows. DuckDB has two threads and its tables in a file.
    """
    models = _compiled(target)
    told: dict[str, dict] = {}
    with TemporaryDirectory() as folder:
        database = duckdb.connect(f"{folder}/warehouse.duckdb", config={"threads": 2, "memory_limit": "6GB"})
        database.execute("set timezone = 'UTC'")
        for name in CORE:
            relation, statement, parents = models[name]
            for parent in parents:
                _load(url, database, parent)
            told[name] = _measure(url, database, relation, statement, seconds[name])
        database.close()
    return told


def _measure(url: str, database: duckdb.DuckDBPyConnection, relation: str, statement: str, ours: float) -> dict:
    translated = sqlglot.parse_one(statement, read="postgres").transform(_without_num_nonnulls).sql("duckdb")
    began = time.perf_counter()
    try:
        database.execute(f"create table made_here as {translated}")
    except duckdb.Error as error:
        return {"not_translated": str(error).splitlines()[0][:160]}
    theirs = time.perf_counter() - began
    (rows,) = database.execute("select count(*) from made_here").fetchall()[0]
    database.execute("drop table made_here")
    with psycopg.connect(url) as connection:
        same = connection.execute(f"select count(*) = {rows} from {relation}").fetchone()
    return {
        "dbt_seconds": ours,
        "duckdb_seconds": round(theirs, 2),
        "ratio": round(ours / theirs, 1),
        "same_count": bool(same and same[0]),
    }


def _without_num_nonnulls(node: exp.Expression) -> exp.Expression:
    """`num_nonnulls(a, b)`, which DuckDB lacks, as a sum."""
    if isinstance(node, exp.Anonymous) and node.name.lower() == "num_nonnulls":
        return sqlglot.parse_one(" + ".join(f"cast({part.sql()} is not null as int)" for part in node.expressions))
    return node


def _compiled(target: Path) -> dict[str, tuple[str, str, list[str]]]:
    """The relation, the statement and the relations read, of each model by its name."""
    manifest = json.loads((target / "manifest.json").read_text())
    nodes = manifest["nodes"] | manifest["sources"]
    return {
        node["name"]: (
            node["relation_name"],
            (target / "compiled" / "kehu" / node["original_file_path"]).read_text(),
            [nodes[parent]["relation_name"] for parent in node["depends_on"]["nodes"]],
        )
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"] in CORE
    }


def _load(url: str, database: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Copy a relation of the warehouse, under its name and with its types, unless it is there."""
    _, schema, name = re.findall(r'"([^"]+)"', relation)
    database.execute(f'create schema if not exists "{schema}"')
    there = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
    if database.execute(there, [schema, name]).fetchall():
        return
    columns = list(_columns(url, f'"{schema}"."{name}"'))
    database.execute(f"create table {relation} ({', '.join(f'{column} {kind}' for column, kind in columns)})")
    listed = ", ".join(column if kind in PLAIN else f"cast({column} as text) as {column}" for column, kind in columns)
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f'select {listed} from "{schema}"."{name}"')
        database.register("batches", cursor.fetch_record_batch())
        database.execute(f"insert into {relation} select * from batches")


def _columns(url: str, relation: str) -> Iterator[tuple[str, str]]:
    simple = {"jsonb": "json", "timestamp with time zone": "timestamptz"}
    with psycopg.connect(url) as connection:
        for name, kind in connection.execute(TYPES, [relation]).fetchall():
            yield name, "text[]" if kind.endswith("[]") else simple.get(kind, kind)
