"""Run the bench and print JSON on standard output; progress goes to standard error."""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.marts import measure_marts
from bench.night import installation, measure_night
from bench.peers import dbt_against_psql, ingest_against_copy
from bench.services import measure_services
from bench.sources import measure_sources
from kehu.paths import PROJECT
from kehu.sources.config import load
from kehu.sources.nights import newest_night
from world.generate import generate


def measure(name: str, sources: Path) -> dict:
    """A first night, the same night again, and the comparisons, on one world."""
    day = newest_night(load(sources))
    with installation(sources) as bench:
        say(f"{name}: first night")
        first = measure_night(bench, day)
        say(f"{name}: the same night again")
        again = measure_night(bench, day)
        say(f"{name}: the dbt stages against their statements alone")
        dbt = dbt_against_psql(bench, again)
    with installation(sources) as bench:
        say(f"{name}: ingest against plain COPY")
        copy = ingest_against_copy(bench, sources, day)
    return {"first_night": first, "same_night_again": again, "ingest_against_copy": copy, "dbt_against_psql": dbt}


def _generate(folder: Path, customers: int) -> dict:
    began = time.perf_counter()
    made = generate(customers, 1, folder)
    return {
        "customers": made.count_customers,
        "order_lines": made.count_order_lines,
        "customers_per_second": round(customers / (time.perf_counter() - began)),
        "peak_memory_share_of_4_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (4 << 20), 2),
    }


def say(text: str) -> None:
    """Tell a person what is being measured."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure the sample and a generated world."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--only", choices=["sources", "sample", "world", "marts"])
    parser.add_argument("--marts", type=int, nargs=2, default=[1_000_000, 10_000_000], metavar=("CUSTOMERS", "LINES"))
    options = parser.parse_args()
    result: dict = {"machine": {"cpus": psutil.cpu_count(), "python": platform.python_version()}}
    if options.only in (None, "sources"):
        say("sources: files and a database against COPY, the CRMs and a REST service against their pages")
        with installation(PROJECT / "sources.yml") as bench:
            result["sources"] = measure_sources(bench) | measure_services(bench)
    if options.only in (None, "sample"):
        result["sample"] = measure("sample", PROJECT / "sources.yml")
    if options.only in (None, "world"):
        with tempfile.TemporaryDirectory() as folder:
            say(f"world: a linked world of {options.customers:,} customers")
            result["world_generator"] = _generate(Path(folder), options.customers)
            result["world"] = measure("world", Path(folder) / "sources.yml")
    if options.only in (None, "marts"):
        customers, lines = options.marts
        say(f"marts: {lines:,} order lines of {customers:,} customers, a night with 1 % more, and DuckDB")
        result["marts"] = measure_marts(customers, lines)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
