"""What makes a record readable, whatever it tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "raw records"
KEY = ("load_id", "row_number")
# A version that comes twice counts once, and a few come twice at any source that sends until it is heard. More than
# that is a mistake at the source, and worth a reason.
MAX_REPEATS, MAX_REPEATED_SHARE = 8, 0.02
# What versions of one moment tell is compared by a hash. A file that was late, or is an old one, must not bring back
# what is deleted since; a system that is asked and lists a record again has restored it.
ROWS = """
select load_id, row_number, fault, contradicts, came_back,
    case
        when place > 1 and sum((place > 1)::int) over (partition by load_id)
            > greatest({max_repeats}, {max_share} * count(*) over (partition by load_id))
            then 1 else 0
    end as repeated
from (
    select _load_id as load_id, _row_number as row_number, coalesce(_fault, '') as fault,
        case when _fault is null and _changed_at is not null and min(content) over moment <> max(content) over moment
            then 1 else 0 end as contradicts,
        case when _fault is not null then 1 else row_number() over (
            partition by _load_id, _record_id, _is_deleted, _changed_at, content order by _row_number
        ) end as place,
        case when _fault is null and not _is_deleted and is_from_file and exists (
            select from "{schema}"."{table}" as gone
            inner join ops.loads as known on gone._load_id = known.load_id
            where gone._record_id = hashed._record_id and gone._is_deleted and gone._load_id < hashed._load_id
                and known.status <> 'rejected'
                and hashed._changed_at <= coalesce(gone._changed_at, case
                    when pg_input_is_valid(gone.record ->> 'deleted_time', 'timestamptz')
                        then cast(gone.record ->> 'deleted_time' as timestamptz)
                end)
        ) then 1 else 0 end as came_back
    from (
        select lines.*, loads.file_name is not null as is_from_file, jsonb_hash_extended(lines.record, 0) as content
        from "{schema}"."{table}" as lines
        inner join ops.loads as loads on lines._load_id = loads.load_id
        where lines._load_id = any(array[{load_ids}]::bigint[])
    ) as hashed
    window moment as (partition by _load_id, _record_id, _is_deleted, _changed_at)
) as judged
"""


def query(load_ids: Mapping[tuple[str, str], Sequence[int]]) -> str:
    """All rows of these loads of these tables in one query."""
    return " union all ".join(
        ROWS.format(
            schema=schema,
            table=table,
            load_ids=", ".join(map(str, ids)),
            max_repeats=MAX_REPEATS,
            max_share=MAX_REPEATED_SHARE,
        )
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
        Check(
            "versions_come_once",
            "a version of a record that the same file has before, in a file where many come twice",
            "quarantine",
            gxe.ExpectColumnValuesToBeBetween(column="repeated", max_value=0),
            max_share=1,
        ),
        Check(
            "deleted_stays_deleted",
            "a version of a record that was deleted after it; a restored record has a newer time of change",
            "quarantine",
            gxe.ExpectColumnValuesToBeBetween(column="came_back", max_value=0),
        ),
    ]


def _without(rule: str, fault: str, reason: str) -> Check:
    expectation = gxe.ExpectColumnValuesToNotMatchRegex(column="fault", regex=f"^{fault}$")
    return Check(rule, reason, "quarantine", expectation)
