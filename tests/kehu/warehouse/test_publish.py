from __future__ import annotations

import threading
from datetime import date

import psycopg
import pytest

from kehu.warehouse import publish as publishing
from kehu.warehouse.fingerprint import fingerprint
from kehu.warehouse.runs import Night, open_night
from kehu.warehouse.runs import status as status_of


def build(url: str, rows: int, marts: tuple[str, ...] = ("dim_things", "fct_things"), extra: str = "") -> Night:
    """A night whose marts all hold the same number of rows, each row naming its run."""
    night = open_night(url, date(2024, 1, 1), "test")
    with psycopg.connect(url) as connection:
        connection.execute(f"create schema {night.schema}")
        for mart in marts:
            connection.execute(
                f"create table {night.schema}.{mart} as"
                f" select n as id, {night.run_id}::bigint as built_by {extra} from generate_series(1, {rows}) as n"
            )
    return night


def show(url: str, night: Night) -> None:
    publishing.attach(url, night)
    publishing.publish(url, night)


def ids(url: str, mart: str = "dim_things") -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(f"select distinct built_by, count(*) over () from marts.{mart}").fetchall()


def test_readers_see_a_night_only_after_the_pointer_moved(url):
    first, second = build(url, 10), build(url, 20)
    show(url, first)
    publishing.attach(url, second)
    assert ids(url) == [(first.run_id, 10)]
    publishing.publish(url, second)
    assert ids(url) == [(second.run_id, 20)]


def test_the_published_columns_are_the_models_own(url):
    show(url, build(url, 1))
    with psycopg.connect(url) as connection:
        cursor = connection.execute("select * from marts.dim_things")
        assert [column.name for column in cursor.description] == ["id", "built_by"]


def test_no_read_during_many_publishes_is_mixed_or_empty(url):
    show(url, build(url, 50))
    stop, bad, reads = threading.Event(), [], [0]

    def read() -> None:
        query = """
            select count(distinct a.built_by), count(*), min(a.built_by = b.built_by::bigint)::int
            from (select *, 1 as one from marts.dim_things) as a
            full outer join (select * from marts.fct_things) as b on a.id = b.id
        """.replace("min(a.built_by = b.built_by::bigint)::int", "bool_and(a.built_by = b.built_by)")
        with psycopg.connect(url, autocommit=True, prepare_threshold=1) as connection:
            while not stop.is_set():
                row = connection.execute(query).fetchone()
                reads[0] += 1
                if row != (1, 50, True):
                    bad.append(row)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(12):
            show(url, build(url, 50))
            publishing.retire(url)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert reads[0] > 100
    assert bad == []


def test_a_lost_or_changed_column_is_refused_and_readers_keep_what_they_had(url):
    first = build(url, 5, extra=", 1 as count_things")
    show(url, first)
    for extra in ("", ", 'x'::text as count_things"):
        with pytest.raises(publishing.PublishError, match="count_things was removed or changed its type"):
            publishing.attach(url, build(url, 5, extra=extra))
    assert ids(url) == [(first.run_id, 5)]


def test_a_new_column_appears_and_older_runs_can_still_be_shown(url):
    first, second = build(url, 5), build(url, 5, extra=", 1 as count_things")
    show(url, first)
    show(url, second)
    with psycopg.connect(url) as connection:
        assert connection.execute("select sum(count_things) from marts.dim_things").fetchone() == (5,)
    publishing.publish(url, first)
    assert ids(url) == [(first.run_id, 5)]


def test_a_lost_mart_is_refused(url):
    first = build(url, 5)
    show(url, first)
    with pytest.raises(publishing.PublishError, match="lacks fct_things"):
        publishing.attach(url, build(url, 5, marts=("dim_things",)))
    assert ids(url) == [(first.run_id, 5)]


def test_runs_that_failed_their_audit_do_not_push_out_published_ones(url):
    nights = [build(url, n) for n in (1, 2, 3, 4)]
    show(url, nights[0])
    for failed in nights[1:3]:
        publishing.attach(url, failed)
    show(url, nights[3])
    assert publishing.retire(url) == [nights[1].run_id, nights[2].run_id]
    publishing.publish(url, publishing.previous_night(url))
    assert ids(url) == [(nights[0].run_id, 1)]
    assert publishing.previous_night(url) is None


def test_an_unattached_run_cannot_be_published(url):
    first = build(url, 5)
    show(url, first)
    with pytest.raises(publishing.PublishError, match="not attached"):
        publishing.publish(url, build(url, 6))
    assert ids(url) == [(first.run_id, 5)]


def test_a_long_reader_delays_the_move_without_blocking_others(url):
    first, second = build(url, 5), build(url, 6)
    show(url, first)
    publishing.attach(url, second)
    waited = []
    with psycopg.connect(url) as reader:
        reader.execute("select count(*) from marts.dim_things")  # an open transaction holds its lock

        def sleep(_: float) -> None:
            waited.append(1)
            assert ids(url) == [(first.run_id, 5)]
            if len(waited) == 2:
                reader.rollback()

        publishing.publish(url, second, sleep=sleep)
    assert len(waited) == 2
    assert ids(url) == [(second.run_id, 6)]


def test_keeps_three_runs_and_rolls_back_to_the_one_before(url):
    nights = [build(url, n) for n in (1, 2, 3, 4, 5)]
    for night in nights:
        show(url, night)
    assert publishing.retire(url) == [nights[0].run_id, nights[1].run_id]
    assert status_of(url, nights[0]) == "retired"
    back = publishing.previous_night(url)
    assert back == nights[3]
    publishing.publish(url, back)
    assert ids(url) == [(nights[3].run_id, 4)]


def test_bi_readers_read_marts_and_nothing_else(url):
    show(url, build(url, 5))
    for statement, is_allowed in {
        "select count(*) from marts.dim_things": True,
        "select count(*) from ops.published_stages": True,
        "select count(*) from store.dim_things": False,
        "select count(*) from raw_shop.order_lines": False,
        "select count(*) from ops.quarantine": False,
        "create temporary table t (a int)": False,
        "delete from marts.dim_things": False,
    }.items():
        with psycopg.connect(url) as connection:
            connection.execute("set role bi_reader")
            if is_allowed:
                connection.execute(statement)
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)


def test_fingerprint_sees_content_and_not_order(url):
    show(url, build(url, 5, marts=("dim_things",), extra=", 0 as c"))
    with psycopg.connect(url) as connection:
        connection.execute("create view marts.a as select * from (values (1), (2)) as t (n)")
        connection.execute("create view marts.b as select * from (values (2), (1)) as t (n)")
        connection.execute("create view marts.c as select * from (values (1), (3)) as t (n)")
    hashes = fingerprint(url)
    assert hashes["a"] == hashes["b"] != hashes["c"]


def test_views_tell_what_the_shown_runs_tables_tell(url):
    nights = [build(url, 1), build(url, 1)]
    with psycopg.connect(url) as connection:
        for night, word in zip(nights, ("first", "it's the second"), strict=True):
            for mart in ("dim_things", "fct_things"):
                text = f"{word} {mart}".replace("'", "''")
                connection.execute(f"comment on table {night.schema}.{mart} is '{text}'")
                connection.execute(f"comment on column {night.schema}.{mart}.id is '{text} id'")

    def told() -> list[tuple]:
        query = """
            select relname, obj_description(oid, 'pg_class'), col_description(oid, 1), col_description(oid, 2)
            from pg_class where relnamespace = 'marts'::regnamespace order by 1
        """
        with psycopg.connect(url) as connection:
            return connection.execute(query).fetchall()

    def expected(word: str) -> list[tuple]:
        return [(mart, f"{word} {mart}", f"{word} {mart} id", None) for mart in ("dim_things", "fct_things")]

    show(url, nights[0])
    assert told() == expected("first")
    publishing.attach(url, nights[1])
    assert told() == expected("first")
    publishing.publish(url, nights[1])
    assert told() == expected("it's the second")
    publishing.publish(url, nights[0])
    assert told() == expected("first")
