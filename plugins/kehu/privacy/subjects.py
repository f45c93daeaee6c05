"""Which keys a raw row names, so that a person's rows are found, and known again when they come back.

A key has a kind (`shop.account`) and a value. What rows of a raw table name is told once, in `meta: {subject: [...]}`
of the dbt source: the kind, the field, and how its text is brought into form. A record always names itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from psycopg import sql

from kehu.paths import DBT_PROJECT
from kehu.warehouse.landing import table_name

SELF = "_record_id"
# How a text is brought into form: in SQL and in Python, alike.
FORMS = {"plain": "{}", "order": "regexp_replace({}, '^C', '')", "handle": "lower(ltrim({}, '@'))"}


@dataclass(frozen=True)
class Naming:
    """One way in which a raw row names a key."""

    key: str
    field: str
    form: str = "plain"

    def expression(self, is_record: bool) -> sql.Composable:
        """The value as SQL over the raw table; null where the row names none."""
        if self.field == SELF or not is_record:
            column: sql.Composable = sql.Identifier(self.field)
        else:
            column = sql.SQL("(record #>> {})").format(sql.Literal(self.field.split(".")))
        return sql.SQL(FORMS[self.form].format("nullif(btrim({}), '')")).format(column)  # type: ignore[arg-type, unused-ignore]

    def value(self, text: object) -> str | None:
        """The value that a field's content means; None where it names none."""
        plain = "" if text is None else str(text).strip(" ")
        if self.form == "order":
            plain = plain.removeprefix("C")
        elif self.form == "handle":
            plain = plain.lstrip("@").lower()
        return plain or None


def key_of(record_key: str) -> tuple[str, str]:
    """Kind and value of a record's key or of a strong key: `zoho_crm.Leads:7` is `zoho_crm.leads` and `7`."""
    kind, _, value = record_key.partition(":")
    source, _, entity = kind.partition(".")
    return f"{source}.{table_name(entity)}", value


def namings(source: str, table: str, is_record: bool) -> tuple[Naming, ...]:
    """What the rows of a raw table name."""
    own = (Naming(f"{source}.{table}", SELF),) if is_record else ()
    return own + declared().get((source, table), ())


@cache
def declared() -> Mapping[tuple[str, str], tuple[Naming, ...]]:
    """What the dbt project tells of its sources, by source and table."""
    found = {}
    for file in sorted((DBT_PROJECT / "models" / "staging").glob("*/_*__sources.yml")):
        for source in yaml.safe_load(file.read_text())["sources"]:
            for table in source["tables"]:
                told = table.get("config", {}).get("meta", {}).get("subject", [])
                found[source["name"], table["name"]] = tuple(Naming(**one) for one in told)
    return found


def named_in_record(ways: tuple[Naming, ...], record_id: str | None, record: str | None) -> Iterator[tuple[str, str]]:
    """The keys that a record names: kind and value each."""
    fields = json.loads(record) if record else {}
    for way in ways:
        value = way.value(record_id if way.field == SELF else _inside(fields, way.field))
        if value is not None:
            yield way.key, value


def _inside(fields: Any, path: str) -> Any:
    for name in path.split("."):
        fields = fields.get(name) if isinstance(fields, dict) else None
    return fields
