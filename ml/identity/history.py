"""Assignments through time: nights may be built in any order, and built again; each says what was known on its day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pyarrow as pa

from ml.identity.ids import Event
from ml.identity.state import State

COVERING = """
    valid_from <= date '{day}' and (valid_to is null or valid_to > date '{day}')
"""


def known_on(state: State, day: date | None, of: str = "") -> dict[str, str]:
    """Record -> customer id as known on a day (None: nothing); `of` names a temporary table of record keys."""
    if day is None:
        return {}
    join = f"inner join pg_temp.{of} using (record_key)" if of else ""
    rows = state.read(
        f"""
        select record_key, customer_id from identity.assignments {join}
        where kind = {{kind}} and {COVERING.format(day=day)} order by record_key
        """
    )
    return dict(zip(rows["record_key"].to_pylist(), rows["customer_id"].to_pylist(), strict=True))


def write_night(state: State, day: date, later: date | None, assigned: Mapping[str, str | None]) -> int:
    """Let the assignments of `day` (until the `later` night, if there is one) be these; return how many changed.

    Records that are not named keep theirs; None takes a record's assignment away.
    """
    keys, ids = pa.array(assigned.keys(), pa.string()), pa.array(assigned.values(), pa.string())
    state.put("tonight", pa.table({"record_key": keys, "customer_id": ids}))
    covering = COVERING.format(day=day)
    state.run("drop table if exists pg_temp.moved")
    state.run(
        f"""
        create temporary table moved as
        select tonight.record_key, tonight.customer_id as new_id, old.customer_id as old_id,
            old.valid_from, old.valid_to
        from pg_temp.tonight
        left join (select * from identity.assignments where kind = {{kind}} and {covering}) as old using (record_key)
        where tonight.customer_id is distinct from old.customer_id
        """
    )
    state.run(
        f"""
        delete from identity.assignments using pg_temp.moved
        where
            assignments.kind = {{kind}} and assignments.record_key = moved.record_key
            and assignments.valid_from = moved.valid_from and moved.valid_from = date '{day}'
        """
    )
    state.run(
        f"""
        update identity.assignments set valid_to = date '{day}' from pg_temp.moved
        where
            assignments.kind = {{kind}} and assignments.record_key = moved.record_key
            and assignments.valid_from = moved.valid_from and moved.valid_from < date '{day}'
        """
    )
    until = f"date '{later}'" if later else "cast(null as date)"
    if later:
        # What was known before of the later nights stays known of them.
        state.run(
            f"""
            insert into identity.assignments (kind, record_key, customer_id, valid_from, valid_to)
            select {{kind}}, record_key, old_id, {until}, valid_to from pg_temp.moved
            where old_id is not null and (valid_to is null or valid_to > {until})
            """
        )
    state.run(
        f"""
        insert into identity.assignments (kind, record_key, customer_id, valid_from, valid_to)
        select {{kind}}, record_key, new_id, date '{day}', {until} from pg_temp.moved where new_id is not null
        """
    )
    return int(state.read("select count(*) as n from pg_temp.moved")["n"][0].as_py())


def write_events(state: State, day: date, events: Iterable[Event], replace: bool) -> None:
    """Write what happened on a night; `replace` forgets what an earlier run of the same night wrote."""
    if replace:
        state.run(f"delete from identity.merge_log where kind = {{kind}} and as_of_date = date '{day}'")
    rows = list(events)
    state.write(
        "merge_log",
        pa.table(
            {
                "as_of_date": pa.array([day] * len(rows), pa.date32()),
                "event": pa.array([row.event for row in rows], pa.string()),
                "customer_id": pa.array([row.customer_id for row in rows], pa.string()),
                "other_customer_id": pa.array([row.other_customer_id for row in rows], pa.string()),
                "count_records": pa.array([row.count_records for row in rows], pa.int64()),
            }
        ),
    )
