"""What really is: who stands behind each record, how each customer buys, what each text means. Never read by Kehu."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import pyarrow as pa
from pyarrow import parquet

DICTIONARY = pa.dictionary(pa.int32(), pa.string())
TIME = pa.timestamp("s", "UTC")
SCHEMAS = {
    "people": pa.schema(
        {
            "person_id": pa.string(),
            "household_id": pa.string(),
            "full_name": pa.string(),
            "sex": DICTIONARY,
            "birth_date": pa.date32(),
            "country": DICTIONARY,
            "region": DICTIONARY,
            "occupation": DICTIONARY,
            "company_id": pa.string(),
            "company_id_new": pa.string(),
            "changed_job_at": TIME,
            "is_customer": pa.bool_(),
        }
    ),
    "companies": pa.schema({"company_id": pa.string(), "legal_name": pa.string(), "country": DICTIONARY}),
    "records": pa.schema(
        {
            "source": DICTIONARY,
            "entity": DICTIONARY,
            "record_id": pa.string(),
            "person_id": pa.string(),
            "company_id": pa.string(),
        }
    ),
    "purchases_truth": pa.schema(
        {
            "person_id": pa.string(),
            "rate_per_day": pa.float64(),
            "dropout_probability": pa.float64(),
            "mean_spend_gbp": pa.float64(),
            "first_purchase_at": TIME,
            "dropped_out_at": TIME,
            "alive_at_end": pa.bool_(),
            "count_purchases": pa.int64(),
            "expected_next_90_days": pa.float64(),
            "expected_next_365_days": pa.float64(),
            "count_next_365_days": pa.int64(),
        }
    ),
    "texts": pa.schema(
        {
            "source": DICTIONARY,
            "entity": DICTIONARY,
            "record_id": pa.string(),
            "sentiment": pa.int8(),
            "theme": DICTIONARY,
            "language": DICTIONARY,
        }
    ),
    "merges": pa.schema(
        {"source": DICTIONARY, "entity": DICTIONARY, "lost_id": pa.string(), "kept_id": pa.string(), "merged_at": TIME}
    ),
}


class Truth:
    """Parquet files that grow chunk by chunk; every table of `SCHEMAS` exists at the end, also when empty."""

    BATCH_ROWS = 200_000

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writers = {
            name: parquet.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")
            for name, schema in SCHEMAS.items()
        }
        self._waiting: dict[str, list[pa.Table]] = {name: [] for name in SCHEMAS}

    def add(self, name: str, columns: dict[str, object]) -> None:
        """Add rows; constants are given as a single string."""
        schema = SCHEMAS[name]
        count = max(len(values) for values in columns.values() if not isinstance(values, str))  # type: ignore[arg-type]
        arrays = [_array(columns[field.name], field.type, count) for field in schema]
        self._waiting[name].append(pa.Table.from_arrays(arrays, schema=schema))
        if sum(table.num_rows for table in self._waiting[name]) > self.BATCH_ROWS:
            self._write(name)

    def _write(self, name: str) -> None:
        if self._waiting[name]:
            self._writers[name].write_table(pa.concat_tables(self._waiting[name]).unify_dictionaries())
            self._waiting[name] = []

    def __enter__(self) -> Truth:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, writer in self._writers.items():
            self._write(name)
            writer.close()


def _array(values: object, kind: pa.DataType, count: int) -> pa.Array:
    if isinstance(values, str):
        values = [values] * count
    plain = pa.array(values, kind.value_type if kind == DICTIONARY else kind)
    return plain.dictionary_encode() if kind == DICTIONARY else plain
