"""Rows a second of files and of a database, as a share of the limit they have: plain `COPY` of the same rows."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
from pyarrow import csv, parquet

from bench.night import Bench
from kehu.sources.contract import Credentials
from kehu.sources.database import DatabaseReader, DatabaseSettings
from kehu.sources.files import FilesSource
from kehu.sources.files_settings import FilesSettings
from kehu.sources.records import ingest_records
from kehu.warehouse.runs import Counts, open_night

DAY = date(2024, 6, 1)
ROWS = 1_000_000
DATABASE_ROWS = 200_000
REPEATS = 3
CURSORED = {"table": "public.bench_source", "key": "id", "cursor": "changed", "lag_minutes": 5}


def measure_sources(bench: Bench) -> dict:
    """Files in three formats and a database against COPY; a second night with 1 % of the rows changed."""
    table = _lines(ROWS)
    text = _csv(table)
    with tempfile.TemporaryDirectory() as folder:
        return {
            "csv": _file(bench, Path(folder), "csv", text, text),
            "parquet": _file(bench, Path(folder), "parquet", _parquet(table), text),
            "jsonl": _file(bench, Path(folder), "jsonl", _json_lines(table.slice(0, ROWS // 4)), None),
            "database": _database(bench),
        }


def _lines(rows: int) -> pa.Table:
    """Invoice lines as a shop has them: eight columns, about 85 bytes a row."""
    random = np.random.default_rng(1)
    numbers = np.arange(rows)
    return pa.table(
        {
            "InvoiceNo": (536_000 + numbers // 9).astype(str),
            "StockCode": random.integers(10_000, 30_000, rows).astype(str),
            "Description": pa.array([f"WHITE METAL LANTERN {n % 977}" for n in range(rows)]),
            "Quantity": (numbers % 13 + 1).astype(str),
            "InvoiceDate": ["2024-06-01 08:26:00"] * rows,
            "UnitPrice": (random.integers(100, 999, rows) / 100).astype(str),
            "CustomerID": (17_000 + numbers % 900).astype(str),
            "Country": ["United Kingdom"] * rows,
        }
    )


def _csv(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    csv.write_csv(table, sink, csv.WriteOptions(quoting_style="none", quoting_header="none"))
    return sink.getvalue()


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def _json_lines(table: pa.Table) -> bytes:
    import orjson

    rows = ({"id": number, **row} for number, row in enumerate(table.to_pylist()))
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def _file(bench: Bench, folder: Path, format_: str, content: bytes, copied: bytes | None) -> dict:
    """Land one file and COPY the same rows, in turn."""
    (folder / f"lines_{format_}.{format_}").write_bytes(content)
    entity = {"format": format_, "pattern": f"lines_{format_}.{format_}"}
    if format_ == "jsonl":
        entity["key"] = "id"
    settings = FilesSettings.model_validate({"location": str(folder), "entities": {"lines": entity}})
    ours, plain = [], []
    rows = 0
    for number in range(REPEATS):
        source = FilesSource(f"bench_{format_}_{number}", settings)
        night = open_night(bench.url, DAY, "bench")
        began = time.perf_counter()
        rows = source.ingest(bench.url, "lines", night).rows_out or 0
        ours.append(time.perf_counter() - began)
        plain.append(_copy(bench, content, "record jsonb", JSON_COPY) if copied is None else _copy_csv(bench, copied))
    return _shares(rows, ours, plain)


JSON_COPY = "copy public.plain from stdin (format csv, quote e'\\x01', delimiter e'\\x02')"


def _copy_csv(bench: Bench, text: bytes) -> float:
    header = text[: text.index(b"\n")].decode().split(",")
    columns = ", ".join(f'"{name}" text' for name in header)
    return _copy(bench, text, columns, "copy public.plain from stdin (format csv, header)")


def _copy(bench: Bench, text: bytes, columns: str, statement: str) -> float:
    with psycopg.connect(bench.url) as connection:
        connection.execute(f"drop table if exists public.plain; create table public.plain ({columns})")
        connection.commit()
        began = time.perf_counter()
        with connection.cursor().copy(statement) as copy:
            for start in range(0, len(text), 1 << 20):
                copy.write(text[start : start + (1 << 20)])
        connection.commit()
        return time.perf_counter() - began


def _database(bench: Bench) -> dict:
    """Read a table of another schema of the same server, against COPY out and in of the same rows as JSON."""
    with psycopg.connect(bench.url) as connection:
        connection.execute(f"""
            create table public.bench_source as
            select n as id, 'row ' || n as name, (n * 1.25)::numeric(12, 2) as amount,
                timestamptz '2024-01-01' + n * interval '1 second' as changed
            from generate_series(1, {DATABASE_ROWS}) as n;
            alter table public.bench_source add primary key (id)
        """)  # type: ignore[arg-type, unused-ignore]
    settings = DatabaseSettings.model_validate({"entities": {"rows": CURSORED}})
    reader = DatabaseReader("bench_database", Credentials(uri=bench.url), settings)
    first = _timed(lambda: _ingest(bench, "bench_database", "rows", reader, DAY))
    plain = _timed(lambda: _json_there_and_back(bench))
    with psycopg.connect(bench.url) as connection:
        connection.execute("""
            update public.bench_source set amount = 0, changed = timestamptz '2024-02-01' + id * interval '1 second'
            where id % 100 = 0
        """)
    second = _timed(lambda: _ingest(bench, "bench_database", "rows", reader, DAY + timedelta(days=1)))
    reader.close()
    return {
        **_shares(first[0].rows_out or 0, [first[1]], [plain[1]]),
        "second_night_1_percent": {
            "rows_changed": DATABASE_ROWS // 100,
            "rows_read": second[0].rows_in,
            "rows_landed": second[0].rows_out,
            "share_of_first_seconds": round(second[1] / first[1], 3),
        },
    }


def _ingest(bench: Bench, source: str, entity: str, reader: DatabaseReader, day: date) -> Counts:
    return ingest_records(bench.url, source, entity, reader, open_night(bench.url, day, "bench"))


def _json_there_and_back(bench: Bench) -> None:
    with psycopg.connect(bench.url) as connection, connection.cursor() as cursor:
        connection.execute("drop table if exists public.plain; create table public.plain (record jsonb)")
        with cursor.copy("copy (select to_jsonb(bench_source) from bench_source) to stdout") as copy:
            content = b"".join(bytes(block) for block in copy)
        with cursor.copy("copy public.plain from stdin") as copy:
            copy.write(content)


def _timed(work: Callable[[], Counts | None]) -> tuple[Counts, float]:
    began = time.perf_counter()
    counts = work()
    return counts or Counts(), time.perf_counter() - began


def _shares(rows: int, ours: list[float], plain: list[float]) -> dict:
    """Rows a second of both, and ours as a share of the limit (median of the pairs)."""
    share = statistics.median(limit / mine for mine, limit in zip(ours, plain, strict=True))
    return {
        "rows": rows,
        "rows_per_second": round(rows / statistics.median(ours)),
        "copy_rows_per_second": round(rows / statistics.median(plain)),
        "share_of_copy": round(share, 2),
    }
