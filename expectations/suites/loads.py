"""What a night's loads must look like as a whole: lines nobody can read, columns nobody asked for, late days."""

from __future__ import annotations

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "ops.loads"
KEY = ("load_id",)
WINDOW_DAYS = 7
# A day is late if a day like it or a younger one had come by an earlier night; a backlog that comes at once is not.
QUERY = """
select
    loads.load_id,
    loads.count_added_columns as added_columns,
    coalesce(cardinality(loads.unread_rows), 0) as unread_lines,
    case
        when loads.replays_load_id is null and exists (
            select from ops.loads as earlier
            where
                earlier.source = loads.source and earlier.entity = loads.entity and earlier.run_id < loads.run_id
                and earlier.file_date >= loads.file_date and earlier.status = 'accepted'
        ) then date '{as_of_date}' - loads.file_date
    end as days_late
from ops.loads as loads
where loads.load_id = any(array[{load_ids}]::bigint[])
"""


def checks() -> list[Check]:
    """The suite; nothing of it stops a night."""
    return [
        Check(
            "lines_are_read",
            "lines of a file cannot be read: their quoting or number of fields is broken",
            "quarantine",
            gxe.ExpectColumnValuesToBeBetween(column="unread_lines", max_value=0),
        ),
        Check(
            "columns_are_expected",
            "files have columns that neither their contract nor the files before them have; nobody reads them",
            "warn",
            gxe.ExpectColumnValuesToBeBetween(column="added_columns", max_value=0),
        ),
        Check(
            "days_are_in_time",
            f"a day that is over for more than {WINDOW_DAYS} days came, or came anew; what follows from it is reworked",
            "warn",
            gxe.ExpectColumnValuesToBeBetween(column="days_late", max_value=WINDOW_DAYS),
        ),
    ]
