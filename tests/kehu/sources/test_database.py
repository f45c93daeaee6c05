from __future__ import annotations

import sqlite3
from datetime import datetime, timezone
from decimal import Decimal

import psycopg
import pytest

from kehu.sources.contract import SourceError
from kehu.sources.records import Policy
from tests.kehu.sources.database_shop import BY_TIME, Shop, shop_of, timed_shop


@pytest.fixture
def shop(url, server_url) -> Shop:
    return shop_of(url, server_url)


@pytest.fixture
def timed(shop) -> Shop:
    return timed_shop(shop)


class TestIncremental:
    def test_first_load_changes_lag_window_and_counts(self, timed):
        assert timed.night(**BY_TIME) == (3, 3)
        assert timed.landed()[1] == ("2", {"id": 2, "v": "v2", "changed": "2024-01-01T01:00:00+00:00"})
        timed.do(
            "update things set v = 'new', changed = '2024-01-01 03:00+00' where id = 1",
            "insert into things values (4, 'v4', '2024-01-01 03:30+00')",
        )
        # From 02:00 less an hour: 2 and 3 are read again and do not land again.
        assert timed.night(1, **BY_TIME) == (4, 2)
        # From 03:30 less an hour.
        assert timed.night(2, **BY_TIME) == (2, 0)
        assert timed.ids() == ["1", "2", "3", "1", "4"]
        assert timed.newest()["1"]["v"] == "new"
        assert timed.ledger() == [(3, 3, 3, 3), (4, 2, 4, 4), (2, 0, 4, 4)]

    def test_times_of_change_are_instants(self, timed):
        timed.night(**BY_TIME)
        with psycopg.connect(timed.warehouse) as connection:
            query = "select _changed_at from raw_db.things where _record_id = '3'"
            assert connection.execute(query).fetchone() == (datetime(2024, 1, 1, 2, tzinfo=timezone.utc),)

    def test_another_time_zone_of_the_server_is_no_news(self, timed):
        timed.night(**BY_TIME, lag_minutes=600)
        name = timed.uri.rsplit("/", 1)[1]
        timed.do(f"alter database {name} set timezone to 'Asia/Shanghai'")
        assert timed.night(1, **BY_TIME, lag_minutes=600) == (3, 0)

    def test_a_commit_that_comes_late_but_within_the_lag(self, timed):
        timed.night(**BY_TIME)
        timed.do("insert into things values (9, 'late', '2024-01-01 01:00+00')")
        assert timed.night(1, policy=Policy(reconcile_days=7), **BY_TIME) == (3, 1)
        assert timed.ids()[-1] == "9"

    def test_a_commit_later_than_the_lag_is_found_by_the_counts(self, timed):
        timed.night(**BY_TIME)
        timed.do("insert into things values (9, 'later', '2024-01-01 00:30+00')")
        # Two of the lag window and the one that was fetched by its id.
        assert timed.night(1, policy=Policy(reconcile_days=7), **BY_TIME) == (3, 1)
        assert timed.newest()["9"]["v"] == "later"

    def test_rows_deleted_and_inserted_again(self, timed):
        timed.night(**BY_TIME)
        timed.do("delete from things where id = 1", "insert into things values (5, 'v5', '2024-01-01 02:30+00')")
        assert timed.night(1, **BY_TIME) == (3, 2)
        assert timed.ids()[3:] == ["5", "-1"]
        timed.do("insert into things values (1, 'v1', '2024-01-01 00:00+00')")
        assert timed.night(2, **BY_TIME)[1] == 1
        assert timed.ids()[5:] == ["1"]
        assert [row[2:] for row in timed.ledger()] == [(3, 3), (3, 3), (4, 4)]

    def test_a_time_in_the_future_hides_nothing(self, timed):
        timed.do("insert into things values (8, 'from 2999', '2999-01-01 00:00+00')")
        assert timed.night(**BY_TIME) == (4, 4)
        timed.do("update things set v = 'now', changed = now() where id = 1")
        assert timed.night(1, policy=Policy(reconcile_days=7), **BY_TIME) == (2, 1)
        assert timed.newest()["1"]["v"] == "now"

    def test_rows_without_a_cursor_are_read_each_time(self, timed):
        timed.do("insert into things values (7, 'none', null)")
        timed.night(**BY_TIME, lag_minutes=0)
        timed.do("update things set v = 'other' where id = 7")
        assert timed.night(1, **BY_TIME, lag_minutes=0) == (2, 1)
        assert timed.newest()["7"]["v"] == "other"

    def test_only_rows_without_a_cursor(self, timed):
        timed.do("update things set changed = null")
        assert [timed.night(day, **BY_TIME) for day in (0, 1)] == [(3, 3), (3, 0)]

    def test_by_a_number(self, timed):
        timed.do("alter table things add rev bigint", "update things set rev = id * 10")
        by_number = {"key": "id", "cursor": "rev", "lag": 10}
        assert timed.night(**by_number) == (3, 3)
        timed.do("update things set rev = 31, v = 'new' where id = 1")
        assert timed.night(1, **by_number) == (3, 1)
        assert timed.night(2, **by_number | {"lag": 0}) == (1, 0)

    def test_by_a_wall_clock_time(self, timed):
        timed.do("alter table things alter changed type timestamp using changed at time zone 'UTC'")
        assert timed.night(**BY_TIME) == (3, 3)
        assert timed.landed()[0][1]["changed"] == "2024-01-01T00:00:00"
        timed.do("insert into things values (4, 'v4', '2024-01-01 02:00:00.000001')")
        assert timed.night(1, **BY_TIME) == (3, 1)
        assert timed.night(2, **BY_TIME, lag_minutes=0) == (1, 0)

    def test_by_a_day_reads_the_last_days_again(self, timed):
        timed.do("alter table things add d date", "update things set d = date '2024-01-01' + id")
        by_day = {"key": "id", "cursor": "d"}
        timed.night(**by_day)
        timed.do("insert into things (id, d) values (4, '2024-01-03')")
        assert timed.night(1, policy=Policy(reconcile_days=7), **by_day) == (3, 1)
        assert timed.night(2, policy=Policy(reconcile_days=7), **by_day, lag_minutes=0) == (1, 0)

    def test_another_cursor_column_begins_anew(self, timed):
        timed.night(**BY_TIME)
        assert timed.night(1, key="id", cursor="id") == (3, 0)
        assert timed.night(2, key="id") == (3, 0)

    def test_a_second_night_with_few_changes_lands_those(self, shop):
        shop.do(
            "create table things (id integer primary key, v text, changed timestamptz)",
            "insert into things select n, 'v', '2024-01-01 00:00+00'::timestamptz + n * interval '1 second'"
            " from generate_series(1, 12000) as n",
        )
        assert shop.night(**BY_TIME, lag_minutes=1) == (12_000, 12_000)
        shop.do("update things set v = 'w', changed = '2024-01-02 00:00+00' where id % 100 = 0")
        # The newest was row 12000 at 03:20:00; of 03:19:00 and later, 61 rows less the one that changed; 120 changed.
        assert shop.night(1, **BY_TIME, lag_minutes=1) == (60 + 120, 120)
        assert len(shop.newest()) == 12_000
        assert shop.ledger()[-1] == (180, 120, 12_000, 12_000)


class TestKeysAndValues:
    def test_without_a_cursor_all_is_read_and_what_is_gone_is_buried(self, timed):
        assert timed.night() == (3, 3)
        timed.do("delete from things where id = 2", "update things set v = 'new' where id = 3")
        assert timed.night(1) == (2, 2)
        assert timed.ids()[3:] == ["3", "-2"]

    def test_keys_of_several_columns(self, shop):
        shop.do(
            "create table things (a text, b integer, since date, v text, primary key (a, b, since))",
            "insert into things values ('x|1', 2, '2024-01-01', 'p'), ('x', 12, '2024-01-01', 'q')",
        )
        key = {"key": ["a", "b", "since"], "cursor": "b"}
        assert shop.night(**key) == (2, 2)
        assert set(shop.newest()) == {"x\\|1|2|2024-01-01", "x|12|2024-01-01"}
        shop.do("insert into things values ('x|1', 1, '2024-01-02', 'late'), ('y', 1, '2024-01-01', 'late')")
        # One of the cursor's place, and two that the keys told of.
        assert shop.night(1, **key) == (3, 2)
        shop.do("delete from things where a = 'x|1' and b = 2")
        shop.night(2, **key)
        assert shop.ids()[2:] == ["x\\|1|1|2024-01-02", "y|1|2024-01-01", "-x\\|1|2|2024-01-01"]

    @pytest.mark.parametrize(
        ("kind", "one", "other", "ids"),
        [
            ("uuid", "'6F1B33A0-0000-4000-8000-000000000001'", "'6f1b33a0-0000-4000-8000-000000000002'", None),
            ("numeric(20,4)", "0.0001", "12345678901234.5", ["0.0001", "12345678901234.5000"]),
            ("timestamptz", "'2024-01-01 08:00+08'", "'2024-01-02 00:00+00'", None),
            ("char(5)", "'ab'", "'cd'", ["ab   ", "cd   "]),
            ("bytea", "'\\x00ff'", "'\\x01'", ["00ff", "01"]),
            ("bigint", "9223372036854775807", "-1", ["9223372036854775807", "-1"]),
            ("inet", "'10.0.0.1'", "'10.0.0.2'", ["10.0.0.1", "10.0.0.2"]),
            ("text", "'e''x|\\\\'", "''", ["e'x|\\\\", ""]),
        ],
    )
    def test_rows_are_fetched_by_keys_of_any_type(self, shop, kind, one, other, ids):
        shop.do(f"create table things (id {kind} primary key, rev integer)", f"insert into things values ({one}, 5)")
        by_number = {"key": "id", "cursor": "rev"}
        shop.night(**by_number)
        shop.do(f"insert into things values ({other}, 1)")
        shop.night(1, **by_number)
        assert shop.ledger()[-1][1:] == (1, 2, 2)
        found = shop.ids()
        assert len(set(found)) == 2
        assert ids is None or found == ids
        assert shop.night(2, **by_number)[1] == 0

    def test_values_are_exact(self, shop):
        shop.do(
            """
            create table things (
                id integer, n numeric(30,12), m numeric, f double precision, r real, b bytea, u uuid, j json,
                k jsonb, t text[], a numeric[], i interval, w timestamp, z timestamptz, d date, h time, o boolean,
                x text, p point
            )
            """,
            """
            insert into things values (
                1, 123456789012345678.123456789012, 0.0000000000000000001, 0.1, 1.1, '\\x00ff',
                '6f1b33a0-0000-4000-8000-000000000001', '{"n": 1.10000000000000000001}',
                '{"n": 12345678901234567890.5}',
                '{a,null,"b c"}', '{1.10}', '1 day', '2024-01-01 00:00:00.000001', '2024-01-01 08:00+08', '2024-02-29',
                '01:02:03', true, E'é\\n"\\U0001F600', '(1,2)'
            )
            """,
            "insert into things (id, n, m, f, j) values (2, 'NaN', 'NaN', 'NaN', '{\"x\": \"a\\u0000b\"}')",
        )
        assert shop.night() == (2, 2)
        assert shop.night(1) == (2, 0)
        first, second = shop.newest()["1"], shop.newest()["2"]
        assert first == {
            "id": 1,
            "n": Decimal("123456789012345678.123456789012"),
            "m": Decimal("0.0000000000000000001"),
            "f": Decimal("0.1"),
            "r": Decimal("1.1"),
            "b": "00ff",
            "u": "6f1b33a0-0000-4000-8000-000000000001",
            "j": {"n": Decimal("1.10000000000000000001")},
            "k": {"n": Decimal("12345678901234567890.5")},
            "t": ["a", None, "b c"],
            "a": [Decimal("1.10")],
            "i": "1 day, 0:00:00",
            "w": "2024-01-01T00:00:00.000001",
            "z": "2024-01-01T00:00:00+00:00",
            "d": "2024-02-29",
            "h": "01:02:03",
            "o": True,
            "x": 'é\n"😀',
            "p": "(1,2)",
        }
        assert (second["n"], second["m"], second["f"], second["j"]) == (None, None, None, {"x": "a\ufffdb"})

    def test_a_view_in_a_schema_with_strange_names(self, shop):
        shop.do(
            'create schema "Sales 1"',
            'create view "Sales 1"."My View" as select 7 as "Row Id", 1 as "per%cent", 2 as "a:b"',
        )
        assert shop.night(table="Sales 1.My View", key="Row Id", cursor="per%cent") == (1, 1)
        assert shop.night(1, table="Sales 1.My View", key="Row Id", cursor="per%cent") == (1, 0)
        assert shop.landed() == [("7", {"Row Id": 7, "per%cent": 1, "a:b": 2})]

    def test_any_database_such_as_sqlite(self, url, tmp_path):
        path = tmp_path / "shop.db"
        shop = Shop(url, f"sqlite:///{path}")
        with sqlite3.connect(path) as connection:
            connection.execute(
                "create table things (id integer primary key, v text, n numeric, b blob, changed datetime, j json)"
            )
            rows = [(n, f"v{n}", 1.5, b"\0\xff", f"2024-01-01 0{n}:00:00.000000", '{"n": 1.10}') for n in (1, 2, 3)]
            connection.executemany("insert into things values (?, ?, ?, ?, ?, ?)", rows)
        assert shop.night(**BY_TIME) == (3, 3)
        assert shop.landed()[0][1] | {"n": None} == {
            "id": 1, "v": "v1", "n": None, "b": "00ff", "changed": "2024-01-01T01:00:00", "j": {"n": Decimal("1.10")},
        }  # fmt: skip
        with sqlite3.connect(path) as connection:
            connection.execute("update things set v = 'new', changed = '2024-01-01 04:00:00.000000' where id = 1")
            connection.execute("delete from things where id = 2")
            connection.execute(
                "insert into things values (0, ?, 0, null, '2024-01-01 00:00:00.000000', null)", ["late\0"]
            )
        assert shop.night(1, **BY_TIME) == (3, 3)
        assert shop.ids()[3:] == ["1", "-2", "0"]
        assert shop.newest()["0"]["v"] == "late\ufffd"
        for day in (2, 3):
            assert shop.night(day, key="id", cursor="id")[1] == 0
        with pytest.raises(SourceError, match="^db: things: the cursor column holds neither times nor numbers$"):
            shop.night(4, key="id", cursor="v")
