"""The same work by the plainest tools, on the same server in the same run."""

from __future__ import annotations

import gzip
import json
import statistics
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import psycopg

from bench.night import Bench
from kehu.sources.config import load
from kehu.sources.files import FilesSource
from kehu.sources.kinds import settings_of
from kehu.warehouse.runs import open_night

REPEATS = 3


def ingest_against_copy(bench: Bench, sources: Path, day: date) -> dict:
    """Seconds of ingest (files to raw table) and of plain COPY of the same rows from one prepared file."""
    ours, plain = [], []
    settings = settings_of(load(sources)["shop"])
    shop = FilesSource("shop", settings)
    files = [Path(file.path) for file in shop.files("order_lines")]
    text = b"".join(gzip.decompress(path.read_bytes()).split(b"\n", 1)[1] for path in files)
    columns = settings.entities["order_lines"].columns
    for _ in range(REPEATS):  # in turn, so that a slower minute hits both
        _empty(bench)
        night = open_night(bench.url, day, "bench")
        began = time.perf_counter()
        counts = shop.ingest(bench.url, "order_lines", night)
        ours.append(time.perf_counter() - began)
        plain.append(_copy(bench, text, columns))
    ratios = [a / b for a, b in zip(ours, plain, strict=True)]
    return {
        "rows": counts.rows_out,
        "ingest_seconds": round(statistics.median(ours), 2),
        "copy_seconds": round(statistics.median(plain), 2),
        "ratio": round(statistics.median(ratios), 2),
    }


def _empty(bench: Bench) -> None:
    with psycopg.connect(bench.url) as connection:
        connection.execute("truncate raw_shop.order_lines, ops.loads cascade")


def _copy(bench: Bench, text: bytes, names: Sequence[str]) -> float:
    columns = ", ".join(f'"{name}" text' for name in names)
    with psycopg.connect(bench.url) as connection:
        connection.execute(f"drop table if exists public.plain; create table public.plain ({columns})")
        connection.commit()
        began = time.perf_counter()
        with connection.cursor().copy("copy public.plain from stdin (format csv)") as copy:
            for start in range(0, len(text), 1 << 20):
                copy.write(text[start : start + (1 << 20)])
        connection.commit()
        return time.perf_counter() - began


def dbt_against_psql(bench: Bench, night: dict) -> dict:
    """Seconds of the dbt stages and of the statements they ran, sent again one by one by psql's library.

    Statements of unit tests and of dbt's own catalogue queries are dbt's, not the project's, and are not sent.
    """
    target = bench.home.root / "dbt_target"
    manifest = json.loads((target / "manifest.json").read_text())
    seconds = sum(figures["seconds"] for name, figures in night["stages"].items() if name.startswith("build_"))
    plain = 0.0
    count = 0
    for node in _in_order(manifest):
        path = target / "run" / "kehu" / _run_path(node)
        if not path.exists():
            continue
        began = time.perf_counter()
        # Each statement in a transaction that is rolled back: everything it reads is there already.
        with psycopg.connect(bench.url) as connection:
            connection.execute(path.read_text())
            connection.rollback()
        plain += time.perf_counter() - began
        count += 1
    return {
        "statements": count,
        "dbt_seconds": round(seconds, 2),
        "psql_seconds": round(plain, 2),
        "ratio": round(seconds / plain, 2),
    }


def _in_order(manifest: dict) -> list[dict]:
    """Models before what refers to them, tests last."""
    nodes = {k: v for k, v in manifest["nodes"].items() if v["resource_type"] in ("model", "test")}
    done: dict[str, dict] = {}
    while len(done) < len(nodes):
        for name, node in nodes.items():
            if name not in done and all(d in done or d not in nodes for d in node["depends_on"]["nodes"]):
                done[name] = node
    return list(done.values())


def _run_path(node: dict) -> str:
    folder = node["original_file_path"]
    return folder if node["resource_type"] == "model" or folder.endswith(".sql") else f"{folder}/{node['path']}"
