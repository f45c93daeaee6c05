"""The graph as the warehouse keeps it: what last night's records looked like, what linked them, what was crowded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa

from kehu.warehouse.tables import append
from ml.identity.calibrate import Calibration
from ml.identity.model import Model
from ml.identity.settings import Kind
from ml.identity.workspace import LISTS, TEXTS

CONTENT = ", ".join(f"current.{name}" for name in (*TEXTS, *LISTS) if name != "identifier")
RECORDS = f"""
    select current.record_key, current.known_at, current.content_hash, {CONTENT}
    from intermediate.int_identity_records as current
"""


class State:
    """The tables of schema `identity` of one kind, inside one transaction of the caller's connection."""

    def __init__(self, connection: adbc.Connection, kind: Kind) -> None:
        self.connection = connection
        self.kind = kind

    def read(self, query: str) -> pa.Table:
        """The rows of a query; `{kind}` in it is the kind as a literal."""
        with self.connection.cursor() as cursor:
            cursor.execute(query.replace("{kind}", f"'{self.kind}'"))
            return cursor.fetch_arrow_table()

    def run(self, statement: str) -> None:
        """Execute one statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement.replace("{kind}", f"'{self.kind}'"))

    def put(self, name: str, rows: pa.Table) -> None:
        """Make the temporary table `name` of these rows."""
        self.run(f"drop table if exists pg_temp.{name}")
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest(name, rows, mode="create", temporary=True)
        self.run(f"analyze pg_temp.{name}")

    def put_keys(self, name: str, keys: Iterable[str]) -> None:
        """Make the temporary table `name` of record keys."""
        self.put(name, pa.table({"record_key": pa.array(sorted(set(keys)), pa.string())}))

    def keys(self, query: str) -> set[str]:
        """The first column of a query as a set."""
        return set(self.read(query).column(0).to_pylist())

    def write(self, table: str, rows: pa.Table) -> None:
        """Append rows of this kind to a table of schema `identity`."""
        if rows.num_rows:
            kinds = pa.array([self.kind] * rows.num_rows, pa.string())
            append(self.connection, "identity", table, rows.append_column("kind", kinds))

    def all_records(self) -> pa.Table:
        """Tonight's records of this kind."""
        return self.read(f"{RECORDS} where current.kind = {{kind}}")

    def records_in(self, name: str) -> pa.Table:
        """Tonight's records of this kind whose keys are in the temporary table `name`."""
        return self.read(f"{RECORDS} inner join pg_temp.{name} using (record_key) where current.kind = {{kind}}")


def save_model(
    state: State, model: Model, version: str, fingerprint: str, count_records: int, trained_on: date
) -> None:
    """Keep a trained model; the same version again changes nothing."""
    numbers = {
        "parameters": model.parameters,
        "count_units": model.count_units,
        "steps": [[*key, bits] for key, bits in model.calibration.steps.items()],
        "telling": {name: dict(weights) for name, weights in model.calibration.telling.items()},
    }
    rows = {
        "model_version": [version], "trained_on": [trained_on.isoformat()], "count_records": [count_records],
        "settings_hash": [fingerprint], "parameters": [_json(numbers)], "commonness": [_json(model.commonness)],
    }  # fmt: skip
    state.put("new_model", pa.table(rows))
    state.run(
        """
        insert into identity.models
            (model_version, kind, trained_on, count_records, settings_hash, parameters, commonness)
        select model_version, {kind}, cast(trained_on as date), count_records, settings_hash,
            cast(parameters as jsonb), cast(commonness as jsonb)
        from pg_temp.new_model
        on conflict (model_version) do nothing
        """
    )


def model_of(row: Mapping[str, Any]) -> Model:
    """A model from its row of `identity.models` (JSON columns as text)."""
    numbers = json.loads(row["parameters"])
    steps = {(int(agreeing), int(step)): float(bits) for agreeing, step, bits in numbers["steps"]}
    calibration = Calibration(steps, numbers["telling"])
    return Model(numbers["parameters"], json.loads(row["commonness"]), int(numbers["count_units"]), calibration)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
