"""What makes a record readable, whatever it tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "raw records"
KEY = ("load_id", "row_number")
# A version that comes twice counts once. What versions of one moment tell is compared by a hash.
ROWS = """
select _load_id as load_id, _row_number as row_number, coalesce(_fault, '') as fault,
    case when _fault is null and _changed_at is not null and min(content) over moment <> max(content) over moment
        then 1 else 0 end as contradicts
from (
    select *, jsonb_hash_extended(record, 0) as content
    from "{schema}"."{table}" where _load_id = any(array[{load_ids}]::bigint[])
) as hashed
window moment as (partition by _load_id, _record_id, _is_deleted, _changed_at)
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
        Check(
            "versions_agree",
            "a file tells two things of one record at one moment; the later line counts",
            "warn",
            gxe.ExpectColumnValuesToBeBetween(column="contradicts", max_value=0),
        ),
    ]


def _without(rule: str, fault: str, reason: str) -> Check:
    expectation = gxe.ExpectColumnValuesToNotMatchRegex(column="fault", regex=f"^{fault}$")
    return Check(rule, reason, "quarantine", expectation)
