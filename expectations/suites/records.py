"""What makes a record readable, whatever it tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "raw records"
KEY = ("load_id", "row_number")
ROWS = """
select _load_id as load_id, _row_number as row_number, coalesce(_fault, '') as fault
from "{schema}"."{table}" where _load_id = any(array[{load_ids}]::bigint[])
"""


def query(load_ids: Mapping[tuple[str, str], Sequence[int]]) -> str:
    """All rows of these loads of these tables in one query."""
    return " union all ".join(
        ROWS.format(schema=schema, table=table, load_ids=", ".join(map(str, ids)))
        for (schema, table), ids in load_ids.items()
    )


def checks() -> list[Check]:
    """The suite, in the order its results are shown; the words are those that reading marks a row with."""
    return [
        _without("record_is_json", "not_json", "the line is not a JSON object that can be read"),
        _without("record_has_key", "no_key", "the record lacks its key"),
        _without("record_has_time", "no_time", "the record's time of change is missing or not a time"),
    ]


def _without(rule: str, fault: str, reason: str) -> Check:
    expectation = gxe.ExpectColumnValuesToNotMatchRegex(column="fault", regex=f"^{fault}$")
    return Check(rule, reason, "quarantine", expectation)
