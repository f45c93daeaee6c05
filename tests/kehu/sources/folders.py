"""A source of files in one folder, and files of each format."""

from __future__ import annotations

import gzip
import io
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pyarrow as pa
from pyarrow import parquet

from kehu.sources.files import FilesSource
from kehu.sources.files_settings import FilesSettings
from kehu.warehouse.runs import open_night

DAY = date(2024, 1, 1)
CSV = {"format": "csv", "pattern": "lines_{date}.csv"}
UNDATED = {"format": "csv", "pattern": "cities*.csv"}
JSONL = {"format": "jsonl", "pattern": "deals_{date}.jsonl", "key": "id", "changed_at": "at", "deleted": "gone"}
PARQUET = {"format": "parquet", "pattern": "visits_{date}.parquet"}


class Folder:
    """A source of one folder and one entity."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder / "files"
        self.folder.mkdir()

    def write(self, name: str, content: str | bytes) -> None:
        content = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    def source(self, entity: dict) -> FilesSource:
        return FilesSource(
            "src", FilesSettings.model_validate({"location": str(self.folder), "entities": {"e": entity}})
        )

    def ingest(self, entity: dict, day: int = 0) -> int:
        counts = self.source(entity).ingest(self.url, "e", open_night(self.url, DAY + timedelta(days=day), "test"))
        assert counts.rows_in == counts.rows_out
        return counts.rows_out

    def rows(self, columns: str = "*") -> list[tuple]:
        return query(self.url, f"select {columns} from raw_src.e order by _load_id, _row_number")

    def ledger(self) -> list[tuple]:
        columns = "file_name, file_date - date '2024-01-01', as_of_date - date '2024-01-01', count_rows"
        return query(self.url, f"select {columns} from ops.loads order by load_id")


def query(url: str, text: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(text).fetchall()


def as_parquet(**columns) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream)
    return stream.getvalue()


VISITS = as_parquet(
    id=[1, 2],
    at=pa.array([datetime(2024, 1, 1, tzinfo=timezone.utc), None], pa.timestamp("ms", "UTC")),
    ok=[True, None],
)
DEALS = '{"id":1,"at":1704067200000,"v":1.10}\n{"id":2,"at":"2024-01-01T08:00:00+08:00","gone":true}\n{"id":3}\nx\n'
