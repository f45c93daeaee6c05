"""Quarantined rows that wait for a correction, and the loads that correct them.

A corrected row lands in a load of its own, under the number it has in its file. That load belongs to the file's: it
counts as long as the file is the newest of its day or name. The quarantined row stays where it is and out of staging.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from kehu.warehouse.landing import Entry, next_load_ids, write_ledger

# What a file had wrong that came again since then waits no longer.
OPEN = """
select
    quarantine.load_id, loads.source, loads.entity, coalesce(loads.file_name, loads.entity), quarantine.row_number,
    string_agg(quarantine.reason, '; ' order by quarantine.rule)
from ops.quarantine as quarantine
inner join ops.loads as loads on quarantine.load_id = loads.load_id
left join ops.replays as replays
    on quarantine.load_id = replays.load_id and quarantine.row_number = replays.row_number
where
    replays.load_id is null and (%(load)s::bigint is null or quarantine.load_id = %(load)s)
    and not exists (
        select from ops.loads as newer
        where
            newer.source = loads.source and newer.entity = loads.entity and newer.status = 'accepted'
            and newer.replays_load_id is null and newer.load_id > coalesce(loads.replays_load_id, loads.load_id)
            and newer.file_date is not distinct from loads.file_date
            and (
                newer.file_date is not null
                or regexp_replace(newer.file_name, '\\.gz$', '') = regexp_replace(loads.file_name, '\\.gz$', '')
            )
    )
group by quarantine.load_id, loads.source, loads.entity, loads.file_name, quarantine.row_number
order by quarantine.load_id, quarantine.row_number
"""


@dataclass(frozen=True)
class Waiting:
    """A quarantined row that nobody has corrected yet: where it is and why it was left out, without a value of it."""

    load_id: int
    source: str
    entity: str
    file_name: str
    row_number: int
    reason: str


class ReplayError(ValueError):
    """Rows that cannot take the place of quarantined ones; the message names the load, the row and the reason."""


def waiting(url: str, load_id: int | None = None) -> list[Waiting]:
    """The rows that wait for a correction, of one load or of all."""
    with psycopg.connect(url) as connection:
        return [Waiting(*row) for row in connection.execute(OPEN, {"load": load_id}).fetchall()]


def enter(connection: psycopg.Connection, load_id: int, rows: Sequence[int], by: str, reason: str) -> int:
    """Enter a load that corrects these rows of `load_id`, within the caller's transaction; return its id.

    Raises
    ------
    ReplayError
        If the reason is empty, or a row is not quarantined, or was corrected before.
    """
    if not reason.strip():
        raise ReplayError("a replay needs a reason")
    open_rows = {row[4] for row in connection.execute(OPEN, {"load": load_id}).fetchall()}
    repeated = sorted({row for row in rows if rows.count(row) > 1})
    unknown = sorted(set(rows) - open_rows)
    if repeated:
        raise ReplayError(f"load {load_id}, row {repeated[0]}: the row is there twice")
    if unknown:
        raise ReplayError(f"load {load_id}, row {unknown[0]}: no such row waits in quarantine")
    (replay_id,) = next_load_ids(connection, 1)
    known = connection.execute(
        """
        select run_id, source, entity, as_of_date, file_name, file_date, coalesce(replays_load_id, load_id)
        from ops.loads where load_id = %s and status = 'accepted' for update
        """,
        [load_id],
    ).fetchone()
    if known is None:
        raise ReplayError(f"load {load_id} was not accepted: send its file again, corrected")
    run_id, source, entity, as_of_date, file_name, file_date, root = known
    entry = Entry(replay_id, run_id, source, entity, as_of_date, len(rows), file_name, file_date)
    write_ledger(connection, [entry])
    connection.execute("update ops.loads set replays_load_id = %s where load_id = %s", [root, replay_id])
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into ops.replays (load_id, row_number, replay_load_id, replayed_by, reason)
            values (%s, %s, %s, %s, %s)
            """,
            [(load_id, row, replay_id, by, reason.strip()) for row in rows],
        )
    return replay_id
