"""A night's scores of many customers: every job on the sample's feature tables, repeated until there are as many.

The tables are real ones, in PostgreSQL; the champions are those that the sample's night has trained. Each job runs in a
process of its own, as under the scheduler. The limit told beside it is that of the machine: the same tables read by
the same driver, without a model.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from datetime import date

import psycopg

from bench.identity_run import peak_mb
from bench.night import installation, measure_night
from kehu.paths import PROJECT
from kehu.sources.config import load
from kehu.sources.nights import newest_night
from kehu.warehouse import runs
from kehu.warehouse.tables import read_frame

JOBS = {
    "segments": "ftr_customer_snapshots",
    "value": "ftr_customer_snapshots",
    "churn": "ftr_customer_snapshots",
    "recommend": "ftr_customer_products",
    "feedback": "ftr_feedback_texts",
}
# A shop of ten million order lines and a million customers has no more; the sample's customers are wholesalers.
MOST_PRODUCTS = 10
OTHER = "md5({key} || ' ' || copies.number)"
COPIES = "cross join generate_series(2, {copies}) as copies (number)"
ROWS = {
    "ftr_compared_snapshots": "",
    "ftr_customer_purchases": f"where place <= {MOST_PRODUCTS}",
    "ftr_feedback_texts": "",
}
KEYS = {
    "ftr_compared_snapshots": "customer_id",
    "ftr_customer_purchases": "customer_id",
    "ftr_feedback_texts": "text_key",
}


def measure(customers: int = 1_000_000) -> dict:
    """Seconds, CPU seconds and peak memory (MB) of each job and of all, for about so many customers."""
    sources = PROJECT / "sources.yml"
    day = newest_night(load(sources))
    with installation(sources) as bench:
        measure_night(bench, day)
        before = _count(bench.url)
        rows = {table: _repeat(bench.url, table, -(-customers // before)) for table in ROWS}
        jobs = {name: _apart(bench.url, name, day) for name in JOBS}
        reads = {table: _apart(bench.url, table, day) for table in ROWS}
        scored = _count(bench.url)
    total = {name: round(sum(job[name] for job in jobs.values()), 1) for name in ("seconds", "cpu_seconds")}
    return {"customers": scored, "rows": rows, "jobs": jobs, "reading_alone": reads,
            "all_in_turn": total | {"peak_mb": max(job["peak_mb"] for job in jobs.values())}}  # fmt: skip


def _count(url: str) -> int:
    query = "select count(*) from ml_features.ftr_customer_snapshots where snapshot_date = as_of_date"
    with psycopg.connect(url) as connection:
        return int(connection.execute(query).fetchone()[0])  # type: ignore[index]


def _repeat(url: str, table: str, copies: int) -> int:
    """Add copies of a table's rows under other keys; how many rows it has then."""
    key = KEYS[table]
    columns = (
        "select column_name from information_schema.columns where table_schema = 'ml_features' and table_name = %s"
    )
    with psycopg.connect(url) as connection:
        names = [row[0] for row in connection.execute(columns, [table])]
        shown = ", ".join(OTHER.format(key=key) if name == key else name for name in names)
        ranked = f"(select *, row_number() over (partition by {key}) as place from ml_features.{table}) as rows"
        connection.execute(
            f"insert into ml_features.{table} ({', '.join(names)}) select {shown} from {ranked}"  # type: ignore[arg-type]
            f" {COPIES.format(copies=copies)} {ROWS[table]}"
        )
        connection.commit()
        connection.execute(f"analyze ml_features.{table}")  # type: ignore[arg-type]
        return int(connection.execute(f"select count(*) from ml_features.{table}").fetchone()[0])  # type: ignore


def _apart(url: str, name: str, day: date) -> dict:
    print(f"scores_night: {name}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench.scores_night", "--job", name, "--day", day.isoformat()]
    done = subprocess.run(command, env=os.environ | {"KEHU_BENCH_URL": url}, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def _job(url: str, name: str, day: date) -> dict:
    """One job in this process; of a table's name, reading it alone."""
    began, cpu = time.perf_counter(), time.process_time()
    if name in JOBS:
        module = importlib.import_module(f"ml.{name}.job")
        more = [runs.newest_run_id(url)] if name in ("value", "churn") else []
        count = module.score(url, day, *more).rows_out
    else:
        count = len(read_frame(url, f"select {KEYS[name]} as key, * from ml_features.{name} order by 1"))
    return {
        "rows": count, "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1), "peak_mb": peak_mb(),
    }  # fmt: skip


def main() -> None:
    """All jobs, or one on the warehouse of the environment."""
    parser = argparse.ArgumentParser(prog="bench.scores_night")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--job", choices=[*JOBS, *ROWS])
    parser.add_argument("--day", type=date.fromisoformat)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(_job(os.environ["KEHU_BENCH_URL"], options.job, options.day)))
    else:
        print(json.dumps(measure(options.customers), indent=1))


if __name__ == "__main__":
    main()
