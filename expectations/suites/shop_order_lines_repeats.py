"""Lines of the shop that a day's file has twice, beside how often that is usual.

Order lines have no key: the same product may be on an invoice twice, and at some shops it often is. So a line that is
there again is only suspect on a day with many more of them than each of the 28 days before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "raw_shop.order_lines, repeated"
KEY = ("load_id", "row_number")
MIN_DAYS = 7
MAX_REPEATS, MAX_TIMES_USUAL = 5, 1.5
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
QUERY = """
select * from (
with days (load_id, window_ids) as (values {days}),
lines as (
    select _load_id as load_id, _row_number as row_number,
        row_number() over (partition by _load_id, {columns} order by _row_number) > 1 as is_repeat
    from raw_shop.order_lines
    where _load_id in (select load_id from days union all select unnest(window_ids) from days)
        and num_nonnulls({columns}) > 0
), counts as (
    select load_id, count(*) as lines, count(*) filter (where is_repeat) as repeats from lines group by 1
), usual as (
    select days.load_id, count(*) as days, max(counts.repeats / counts.lines::float8) as share
    from days inner join counts on counts.load_id = any(days.window_ids) group by 1
)
select lines.load_id, lines.row_number,
    case
        when lines.is_repeat and usual.days >= {min_days}
            and counts.repeats > greatest({max_repeats}, {max_times} * usual.share * counts.lines)
            then 1 else 0
    end as repeated
from lines
inner join counts on lines.load_id = counts.load_id
inner join usual on lines.load_id = usual.load_id
) as judged
"""


def query(days: Sequence[tuple[int, Sequence[int]]]) -> str:
    """The lines of these days' loads; with each, the loads of the days before it."""
    return QUERY.format(
        days=", ".join(f"({load}::bigint, array[{', '.join(map(str, window))}]::bigint[])" for load, window in days),
        columns=", ".join(f'"{name}"' for name in COLUMNS),
        min_days=MIN_DAYS,
        max_repeats=MAX_REPEATS,
        max_times=MAX_TIMES_USUAL,
    )


def checks() -> list[Check]:
    """The suite."""
    expectation = gxe.ExpectColumnValuesToBeBetween(column="repeated", max_value=0)
    reason = "the file has the same line before, on a day with many more such lines than usual"
    return [Check("lines_come_once", reason, "quarantine", expectation)]
