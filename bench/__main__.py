"""Run the bench and print JSON on standard output; progress goes to standard error."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path

import psutil

from bench.night import installation, measure_night
from bench.peers import dbt_against_psql, ingest_against_copy
from bench.world import write_world
from kehu.paths import PROJECT
from kehu.sources.shop import newest_day


def measure(name: str, shop: Path, day: date) -> dict:
    """A first night, the same night again, and the comparisons, on one shop."""
    with installation(shop) as bench:
        say(f"{name}: first night")
        first = measure_night(bench, day)
        say(f"{name}: the same night again")
        again = measure_night(bench, day)
        say(f"{name}: the dbt stages against their statements alone")
        dbt = dbt_against_psql(bench, again)
    with installation(shop) as bench:
        say(f"{name}: ingest against plain COPY")
        copy = ingest_against_copy(bench, shop, day)
    return {"first_night": first, "same_night_again": again, "ingest_against_copy": copy, "dbt_against_psql": dbt}


def say(text: str) -> None:
    """Tell a person what is being measured."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure the sample and a generated world."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["sample", "world"])
    options = parser.parse_args()
    result: dict = {"machine": {"cpus": psutil.cpu_count(), "python": platform.python_version()}}
    if options.only != "world":
        shop = PROJECT / "sample" / "shop"
        result["sample"] = measure("sample", shop, newest_day(shop))
    if options.only != "sample":
        with tempfile.TemporaryDirectory() as folder:
            say(f"world: writing {options.lines:,} lines of {options.customers:,} customers")
            day = write_world(Path(folder), options.customers, options.lines)
            result["world"] = measure("world", Path(folder), day)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
