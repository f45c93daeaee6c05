"""Labelled sets of person records: FEBRL's files and anybody's CSV, as tables shaped like int_identity_records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from kehu.paths import PROJECT

FEBRL = PROJECT.parent / "shared" / "data" / "febrl"
TEXTS = (
    "given_name", "surname", "name_key", "name_compact", "name_han", "street", "city", "postcode", "country", "company",
    "company_city", "registration", "title", "identifier",
)  # fmt: skip
LISTS = ("mails", "phones", "domains", "devices", "keys")
UNKNOWN = -1  # the truth of a record that nobody knows: it is linked, not scored
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledSet:
    """Records, and for each row the number of the true customer (or UNKNOWN) and, if there are any, the household."""

    records: pa.Table
    truth: Codes
    household: Codes | None = None


def febrl(number: int, folder: Path = FEBRL) -> LabelledSet | None:
    """FEBRL's dataset 1, 2 or 3, or None where the file is absent.

    Texts are lower case as they are; a birth date that is none becomes null. The social security number goes to
    `identifier`. The record's own number names the person and is used for nothing else.
    """
    path = folder / f"dataset{number}.csv"
    if not path.exists():
        return None
    frame = pd.read_csv(path, dtype=str, skipinitialspace=True, keep_default_na=False)
    frame = frame.apply(lambda column: column.str.strip())
    street = (frame["street_number"] + " " + frame["address_1"]).str.strip()
    records = {
        "record_key": f"febrl.dataset{number}:" + frame["rec_id"],
        "source": f"febrl{number}",
        "given_name": _text(frame["given_name"]),
        "surname": _text(frame["surname"]),
        "birth_date": [_date(text) for text in frame["date_of_birth"]],
        "street": _text(street),
        "city": _text(frame["suburb"]),
        "postcode": _text(frame["postcode"]),
        "identifier": _text(frame["soc_sec_id"]),
    }
    return LabelledSet(as_records(records), codes(frame["rec_id"].str.split("-").str[1]))


def read_set(path: Path, truth: str, identifier: str | None = None) -> LabelledSet:
    """Anybody's CSV with columns named like the records' table, a column of truth, and one of ids (else row numbers).

    `mails`, `phones` and the other lists may have several values parted by ';'. Columns that are unknown are left out.
    """
    every = {name: pa.string() for name in csv.open_csv(path).schema.names}
    frame = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=every)).to_pandas()
    if truth not in frame:
        raise ValueError(f"{path.name} has no column {truth}")
    ids = frame[identifier] if identifier else pd.Series(range(len(frame)), dtype=str).astype(str)
    table: dict = {"record_key": f"{path.stem}:" + ids.astype(str)}
    table["source"] = frame.get("source", path.stem)
    table |= {name: _text(frame[name]) for name in TEXTS if name in frame}
    table |= {name: [_values(text) for text in frame[name]] for name in LISTS if name in frame}
    if "birth_date" in frame:
        table["birth_date"] = [_date(str(text).replace("-", "")) for text in frame["birth_date"]]
    return LabelledSet(as_records(table), codes(frame[truth]))


def as_records(columns: dict) -> pa.Table:
    """A table with the types of int_identity_records from columns of values (a single text is repeated)."""
    count = len(columns["record_key"])
    table = {}
    for name, values in columns.items():
        kind = pa.list_(pa.string()) if name in LISTS else pa.date32() if name == "birth_date" else pa.string()
        cells = [values] * count if isinstance(values, str) else values
        table[name] = pa.array(cells, type=kind, from_pandas=True)
    return pa.table(table)


def codes(values: pd.Series) -> Codes:
    """A number for each distinct value; a missing one is a value of its own each time."""
    numbers = pd.factorize(values)[0].astype(np.int64)
    alone = numbers < 0
    numbers[alone] = numbers.max(initial=-1) + 1 + np.arange(alone.sum())
    return numbers


def _text(values: pd.Series) -> pd.Series:
    return values.mask(values.fillna("").str.strip() == "")


def _values(text: str | None) -> list[str]:
    return sorted({part.strip() for part in (text or "").split(";") if part.strip()})


def _date(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
