"""The words that suites of records are written in: fields taken out of records, and rules on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import great_expectations.expectations as gxe

from expectations.gate import Check
from kehu.warehouse.landing import table_name

QUERY = """
select _load_id as load_id, _row_number as row_number, {fields}
from "raw_{source}"."{table}"
where _load_id = any(array[{load_ids}]::bigint[]) and _fault is null and not _is_deleted
"""
# What people write is checked for its form only: whether an address exists, no file can tell.
MAIL = r"^\s*[^\s@]+@[^\s@]+\.[^\s@.]+\s*$"
PHONE = r"^\D*(00)?(\d\D*){7,15}(ext\D*\d+)?$"
MIN_ROWS = 50  # shares of fewer rows tell little
MAX_BROKEN = 0.15


@dataclass(frozen=True)
class RecordSuite:
    """The rules of one entity of records: `fields` names columns and the SQL that takes them out of `record`.

    `checks` ask each row; `shares` ask all rows that landed together, and only where there are enough of them.
    """

    source: str
    entity: str
    fields: Mapping[str, str]
    checks: Sequence[Check] = ()
    shares: Sequence[Check] = ()

    @property
    def table(self) -> str:
        """The raw table, as results name it."""
        return f"raw_{self.source}.{table_name(self.entity)}"

    def checks_of(self, count_rows: int) -> list[Check]:
        """What to ask of this many rows."""
        return [*self.checks, *(self.shares if count_rows >= MIN_ROWS else ())]

    def query(self, load_ids: Sequence[int]) -> str:
        """The fields of the records of these loads."""
        fields = ", ".join(f"{sql} as {name}" for name, sql in self.fields.items())
        ids = ", ".join(map(str, load_ids))
        return QUERY.format(fields=fields, source=self.source, table=table_name(self.entity), load_ids=ids)


def text(field: str) -> str:
    """A field that must be there: '' where it is not."""
    return f"coalesce(trim(record ->> '{field}'), '')"


def code(field: str) -> str:
    """A field with one of a few codes, whose case does not matter."""
    return f"lower({text(field)})"


def optional(field: str) -> str:
    """A field that may be empty: null then, and not checked."""
    return f"nullif(trim(record ->> '{field}'), '')"


def phone(field: str) -> str:
    """A phone that may be empty; digits of full width are digits, whatever the server's locale thinks of them."""
    return f"translate({optional(field)}, '０１２３４５６７８９', '0123456789')"


def known(column: str, codes: Sequence[str], severity: str = "quarantine", max_share: float = 0.01) -> Check:
    """One of these codes; more than `max_share` of a file with others make it a file that is not understood."""
    expectation = gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(codes))
    return Check(f"{column}_known", f"{column} is none of {', '.join(codes)}", severity, expectation, max_share)


def matches(column: str, pattern: str, reason: str) -> Check:
    """A value of this form."""
    expectation = gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern)
    return Check(f"{column}_formed", f"{column} {reason}", "quarantine", expectation)


def formed(column: str, field: str, pattern: str) -> Check:
    """A value of this form; another one is set aside, and the record stays for the rest of what it tells."""
    expectation = gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern)
    return Check(f"{column}_formed", f"{field} has not the form of a {column}", "quarantine", expectation, 1, field)


def mostly(column: str, pattern: str) -> Check:
    """Values of this form but for a few."""
    return Check(
        f"{column}_mostly_formed",
        f"more than {MAX_BROKEN:.0%} of the values of {column} have no form of theirs",
        "warn",
        gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern, mostly=1 - MAX_BROKEN),
    )
