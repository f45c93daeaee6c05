"""Hand a list out: read the published marts, write each row with its reason into the journal, show the file at once.

The journal comes first: a file that people act on is never without its reasons. A file appears whole or not at all.
"""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import psycopg
import pyarrow as pa
from psycopg import Connection, sql
from pyarrow import parquet

Format = Literal["csv", "parquet"]
EXPORTER = "contact_exporter"
COLUMNS = (
    "list_key", "customer_id", "list_position", "channel", "reason_en", "reason_zh", "talking_points_en",
    "talking_points_zh", "valid_from", "valid_until", "expected_gain", "priority",
)  # fmt: skip
CONTACT = ("full_name", "phone", "mail", "street", "postcode", "city", "country")
# Which of the contact columns a way needs; the others stay in the warehouse.
NEEDED = {
    "phone": ("full_name", "phone"),
    "sms": ("full_name", "phone"),
    "mail": ("full_name", "mail"),
    "post": ("full_name", "street", "postcode", "city", "country"),
    "visit": ("full_name", "street", "postcode", "city", "country"),
}
TYPES = {date: pa.date32(), int: pa.int32(), Decimal: pa.decimal128(16, 2)}
# What a spreadsheet takes for the beginning of a formula.
FORMULA = "=+-@"
SPLITS = "\t\r\n"
ROWS = """
select {columns}
from marts.fct_list_members as members
inner join {customers} as customers on members.customer_id = customers.customer_id
where members.list_id = %(list)s and members.is_current
order by members.list_position
"""
EXPORTED = """
insert into ops.exports (
    list_id, run_id, as_of_date, format, file_name, has_contact_data, count_rows, exported_by
)
values (%s, %s, %s, %s, %s, %s, %s, %s) returning export_id
"""
JOURNAL = """
insert into ops.decision_journal (
    export_id, list_key, list_id, list_version, rule_hash, customer_id, occasion, as_of_date, channel, cost, features,
    model_version, reason
)
select
    %(export)s, members.list_key, members.list_id, members.list_version, lists.rule_hash, members.customer_id,
    members.occasion, %(day)s, members.channel, members.cost, cast(members.features as jsonb), members.model_version,
    members.reason_en
from marts.fct_list_members as members
inner join marts.dim_lists as lists on members.list_id = lists.list_id
where members.list_id = %(list)s and members.is_current
"""


class ExportError(RuntimeError):
    """A list cannot be handed out; no file was written."""


@dataclass(frozen=True)
class Exported:
    """What was handed out."""

    path: Path
    count_rows: int
    as_of_date: date


def export(
    url: str, list_id: str, path: Path, form: Format, exported_by: str, has_contact_data: bool = False
) -> Exported:
    """Write the published night's rows of a list into a file; return what was handed out.

    Parameters
    ----------
    url
        The warehouse.
    list_id
        The list.
    path
        The file; one that is there already is replaced.
    form
        csv (UTF-8 with a mark, safe to open in a spreadsheet) or parquet.
    exported_by
        Who hands it out, for the journal.
    has_contact_data
        Whether each row brings what its way of contact needs: a name, and a number or an address. Asks for the role
        `contact_exporter`.

    Raises
    ------
    ExportError
        If nothing is published, there is no such list, the role is missing, or the file cannot be written.
    """
    with psycopg.connect(url) as connection:
        # What is read and what the journal is told are one and the same published night.
        connection.execute("set transaction isolation level repeatable read")
        run_id, day = _published(connection)
        _require_list(connection, list_id)
        if has_contact_data:
            _require_role(connection)
        columns = [*COLUMNS, *(CONTACT if has_contact_data else ())]
        rows = _rows(connection, list_id, columns)
        part = _write_beside(path, _bytes(columns, rows, form))
        try:
            told = [list_id, run_id, day, form, path.name, has_contact_data, len(rows), exported_by]
            (export_id,) = connection.execute(EXPORTED, told).fetchone() or (None,)
            connection.execute(JOURNAL, {"export": export_id, "list": list_id, "day": day})
            connection.commit()
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return Exported(path, len(rows), day)


def safe_cell(value: Any) -> Any:
    """A value as a spreadsheet may be given it: text that would begin a formula gets an apostrophe in front.

    What cannot be seen (blanks, marks, control characters) counts as not there, and full-width forms as the plain ones.
    """
    if not isinstance(value, str) or not value:
        return value
    return f"'{value}" if value[0] in SPLITS or _first_visible(value) in FORMULA else value


def _first_visible(text: str) -> str:
    """The first character with a shape, in its plain form; a blank if there is none."""
    visible = (letter for letter in text if unicodedata.category(letter)[0] not in "CZ")
    return unicodedata.normalize("NFKC", next(visible, " "))[0]


def _published(connection: Connection) -> tuple[int, date]:
    row = connection.execute("select run_id, as_of_date from ops.published_run").fetchone()
    if row is None:
        raise ExportError("no night is published yet")
    return row[0], row[1]


def _require_list(connection: Connection, list_id: str) -> None:
    if connection.execute("select to_regclass('marts.dim_lists')").fetchone() == (None,):
        raise ExportError("the published night knows of no lists yet")
    lists: dict[str, str] = dict(
        connection.execute("select list_id, status from marts.dim_lists order by priority").fetchall()
    )
    if lists.get(list_id) != "active":
        active = ", ".join(name for name, status in lists.items() if status == "active")
        raise ExportError(f"there is no list {list_id}; there are: {active}")


def _require_role(connection: Connection) -> None:
    if connection.execute("select pg_has_role(current_user, %s, 'member')", [EXPORTER]).fetchone() != (True,):
        raise ExportError(f"contact data is handed out by members of the role {EXPORTER} only")
    if connection.execute("select to_regclass('pii.dim_customers')").fetchone() == (None,):
        raise ExportError("the published night is from before contact data had views of its own: run a night first")


def _rows(connection: Connection, list_id: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows in the order of the list; of the contact columns those that the row's way needs."""
    chosen = (
        sql.SQL("case when members.channel = any({}) then customers.{} end").format(
            sql.Literal([way for way, needed in NEEDED.items() if name in needed]), sql.Identifier(name)
        )
        if name in CONTACT
        else sql.Identifier("members", name)
        for name in columns
    )
    # Clear text is asked for only where contact data goes out: other exports need no right to it.
    schema = "pii" if set(columns) & set(CONTACT) else "marts"
    parts = {"columns": sql.SQL(", ").join(chosen), "customers": sql.Identifier(schema, "dim_customers")}
    found = connection.execute(sql.SQL(ROWS).format(**parts), {"list": list_id}).fetchall()  # type: ignore[arg-type]
    return [dict(zip(columns, row, strict=True)) for row in found]


def _bytes(columns: Sequence[str], rows: Sequence[dict[str, Any]], form: Format) -> bytes:
    return _csv(columns, rows) if form == "csv" else _parquet(columns, rows)


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> bytes:
    """All cells in quotes; the mark in front tells spreadsheets that it is UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([safe_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _parquet(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    """The values as they are; a program that reads Parquet takes no text for a formula."""
    kinds = {"valid_from": date, "valid_until": date, "list_position": int, "priority": int, "expected_gain": Decimal}
    schema = pa.schema([(name, TYPES[kinds[name]] if name in kinds else pa.string()) for name in columns])
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), sink)
    return sink.getvalue()


def _write_beside(path: Path, content: bytes) -> Path:
    """Write a file beside `path` that only its owner may read; return it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ExportError(f"{path}: {error.strerror}") from None
    return part
