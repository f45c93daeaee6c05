"""The dbt layers on a shop of any size: the full build, a night with 1 % change, and DuckDB on the same SELECTs."""

from __future__ import annotations

import json
import os
import time
from datetime import date
from pathlib import Path

import psycopg

from bench.marts_duckdb import against_duckdb
from bench.marts_shop import LAST, open_shop, trade_on
from bench.night import Bench, installation
from kehu.airflow import dbt
from kehu.airflow.nightly import LAYERS
from kehu.paths import PROJECT, tag_registry
from kehu.privacy.sealing import keep_night
from kehu.privacy.vault import Vault
from kehu.tags.night import keep_tags
from kehu.tags.registry import load
from kehu.warehouse.publish import attach, publish, retire
from kehu.warehouse.runs import Night, open_night
from ml.retrain import QUESTIONS

# What went into the files of tables, temporary ones too, of indexes, and of the log; what sorts spill is not counted.
WRITTEN = """
select (select sum(coalesce(write_bytes, 0)) from pg_stat_io where object in ('relation', 'temp relation'))
    + (select wal_bytes from pg_stat_wal)
"""


def measure_marts(customers: int, lines: int, share: float = 0.01) -> dict:
    """Seconds and bytes of the first build, of the same night again, and of a night with `share` more lines."""
    with installation(PROJECT / "sources.yml") as bench:
        os.environ |= bench.environment
        shop = open_shop(bench.url, customers, lines)
        full = measure_build(bench, LAST)
        peer = against_duckdb(bench.url, dbt.target_folder(), full["nodes"])
        day, shop = trade_on(bench.url, shop, share)
        _have_champions(bench, day)
        night = measure_build(bench, day)
    return {
        "customers": customers,
        "order_lines": lines,
        "share": share,
        "full": full,
        "against_duckdb": peer,
        "night": night,
        "seconds_ratio": round(night["seconds"] / full["seconds"], 3),
        "bytes_ratio": round(night["bytes"] / full["bytes"], 3),
    }


def _have_champions(bench: Bench, day: date) -> None:
    """The first night trains models, as there are none; on later ones champions score (ml.registry.speakers)."""
    statement = """
        insert into ml.speakers
        select distinct cast(%s as date), question, churn_horizon_days
        from ml_features.ftr_customer_snapshots cross join unnest(cast(%s as text[])) as question
    """
    with psycopg.connect(bench.url) as connection:
        connection.execute(statement, [day, list(QUESTIONS)])


def measure_build(bench: Bench, day: date) -> dict:
    """All dbt layers of a night, the history they need, and its publication."""
    night, models = open_night(bench.url, day, "bench"), []
    before, began = _written(bench), time.perf_counter()
    layers = {}
    for name, layer in LAYERS.items():
        started = time.perf_counter()
        if name == "build_score_marts":
            _keep(bench, night)
        dbt.build(bench.url, night, layer.select, leaves_manifest=name == list(LAYERS)[-1])
        layers[name] = round(time.perf_counter() - started, 2)
        models += _models(dbt.target_folder() / "run_results.json")
    started = time.perf_counter()
    attach(bench.url, night)
    publish(bench.url, night)
    retire(bench.url)
    layers["publish"] = round(time.perf_counter() - started, 2)
    slowest = sorted(models, key=lambda model: -model[1])
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "bytes": _written(bench) - before,
        "layers": layers,
        "nodes": dict(slowest),
    }


def _keep(bench: Bench, night: Night) -> None:
    with psycopg.connect(bench.url) as connection:
        keep_night(connection, night, Vault.from_environment())
        keep_tags(connection, night, load(tag_registry()))


def _models(results: Path) -> list[tuple[str, float]]:
    told = json.loads(results.read_text())["results"]
    return [(result["unique_id"].removeprefix("model.kehu."), round(result["execution_time"], 2)) for result in told]


def _written(bench: Bench) -> int:
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute("checkpoint")
        time.sleep(1.5)  # backends tell their figures once a second
        (row,) = connection.execute(WRITTEN).fetchall()
        return int(row[0])
