"""Which entities are configured, so that the warehouse can tell what is missing or late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg

from kehu.warehouse.landing import table_name
from kehu.warehouse.runs import Counts


def register(url: str, source: str, kind: str, max_age_days: Mapping[str, int | None], is_required: bool) -> None:
    """Make the source's entities those given, each with the age its rows may have, and no others."""
    names = list(max_age_days)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.source_entities where source = %s and entity <> all(%s)", [source, names])
        cursor.executemany(
            """
            insert into ops.source_entities values (%s, %s, %s, %s, %s, %s)
            on conflict (source, entity) do update set
                table_name = excluded.table_name, kind = excluded.kind,
                max_age_days = excluded.max_age_days, is_required = excluded.is_required
            """,
            [(source, name, table_name(name), kind, age, is_required) for name, age in max_age_days.items()],
        )


def forget_others(url: str, sources: Iterable[str]) -> None:
    """Forget the entities of sources that are configured no longer; their rows stay."""
    with psycopg.connect(url) as connection:
        connection.execute("delete from ops.source_entities where source <> all(%s)", [list(sources)])


def record_run(
    url: str, run_id: int, source: str, entity: str, counts: Counts | None = None, error: str | None = None
) -> None:
    """Keep how reading an entity went in a run; the latest try counts."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            insert into ops.entity_runs values (%s, %s, %s, %s, %s, %s)
            on conflict (run_id, source, entity) do update set
                rows_read = excluded.rows_read, rows_landed = excluded.rows_landed, error = excluded.error
            """,
            [run_id, source, entity, counts and counts.rows_in, counts and counts.rows_out, error],
        )
