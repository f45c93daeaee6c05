from __future__ import annotations

import json
import threading
from datetime import date, datetime, timedelta

import psycopg
import pytest

from kehu.sources.contract import SourceError, SourceUnavailable, Version
from kehu.sources.records import Policy, ingest_records
from kehu.warehouse.records import storable
from kehu.warehouse.runs import open_night
from tests.kehu.sources.memory import MemoryReader, ledger, moment, newest, versions

DAY = date(2024, 1, 1)


def run(url, reader, day=0, policy=None, entity="things"):
    night = open_night(url, DAY + timedelta(days=day), "test")
    counts = ingest_records(url, "test", entity, reader, night, policy)
    return counts.rows_in, counts.rows_out


@pytest.fixture
def reader() -> MemoryReader:
    reader = MemoryReader()
    for number, key in enumerate("abc", 1):
        reader.put(key, number)
    return reader


def test_a_first_load_and_a_night_without_changes(url, reader):
    assert run(url, reader) == (3, 3)
    assert versions(url) == [("a", 1), ("b", 2), ("c", 3)]
    reader.now += 10
    assert run(url, reader, 1) == (0, 0)
    assert ledger(url) == [(3, 3, 3, 3), (0, 0, 3, 3)]


def test_rows_of_the_lag_window_land_once(url, reader):
    reader.lag = 60
    run(url, reader)
    reader.now += 30
    reader.put("b", 20)
    assert run(url, reader, 1) == (3, 1)
    assert run(url, reader, 1) == (3, 0)
    assert versions(url)[3:] == [("b", 20)]


def test_within_one_reading_the_latest_version_counts_wherever_it_stands(url):
    class Repeating(MemoryReader):
        def read(self, entity, state):
            yield [at("a", "new", 5), at("b", "b", 1)]
            yield [at("a", "old", 2), at("b", "b", 1)]
            yield [at("a", "older", 1)]
            return (yield from super().read(entity, state))

    assert run(url, Repeating(counts=False)) == (5, 2)
    assert sorted(versions(url)) == [("a", "new"), ("b", "b")]


def at(key: str, value: object, minutes: int | None = None, is_deleted: bool = False) -> Version:
    record = None if is_deleted else json.dumps({"v": value})
    return Version(key, record, None if minutes is None else moment(minutes), is_deleted)


class Told(MemoryReader):
    """Tells, night by night, what it is given."""

    def __init__(self, *nights):
        super().__init__(counts=False)
        self.nights = iter(nights)

    def read(self, entity, state):
        yield next(self.nights)
        return (yield from super().read(entity, state))


def test_an_older_version_than_the_known_one_is_passed_over(url):
    reader = Told([at("a", 1, 5)], [at("a", 2, 4)], [at("a", None, 9, True)], [at("a", 3, 8)], [at("a", 4, 10)])
    assert [run(url, reader, day)[1] for day in range(5)] == [1, 0, 1, 0, 1]
    assert versions(url) == [("a", 1), ("a", None), ("a", 4)]
    assert [row[2] for row in ledger(url)] == [1, 1, 0, 0, 1]


def test_versions_without_a_time_land_when_their_content_differs(url):
    reader = Told([at("a", 1)], [at("a", 1)], [at("a", 2)], [at("a", 2, 3)], [at("a", 1)])
    assert [run(url, reader, day)[1] for day in range(5)] == [1, 0, 1, 0, 1]


def test_a_deletion_is_told_once_and_one_of_an_unknown_record_counts_for_nobody(url):
    gone = at("a", None, 3, True)
    reader = Told([at("a", 1, 1), at("x", None, 1, True)], [gone], [gone], [at("a", 1, 4)])
    assert [run(url, reader, day)[1] for day in range(4)] == [2, 1, 0, 1]
    assert [row[2] for row in ledger(url)] == [1, 0, 0, 1]
    assert versions(url)[-1] == ("a", 1)


def test_the_same_content_in_another_spelling_is_no_news(url):
    reader = Told([Version("a", '{"v":1,"w":2.0}')], [Version("a", '{"w": 2.0, "v": 1}')], [Version("a", "null")])
    assert [run(url, reader, day)[1] for day in range(3)] == [1, 0, 1]


def test_a_complete_reading_buries_what_it_does_not_tell(url, reader):
    reader.is_complete = True
    run(url, reader)
    reader.purge("b")
    reader.put("d", 4)
    assert run(url, reader, 1) == (3, 2)
    assert newest(url) == {"a": 1, "c": 3, "d": 4}
    assert "keys" not in reader.asked
    reader.put("b", 2)
    assert run(url, reader, 2) == (4, 1)
    assert [row[2] for row in ledger(url)] == [3, 3, 4]


def test_counts_that_differ_call_for_the_list(url, reader):
    run(url, reader)
    reader.now += 10
    reader.purge("a")
    reader.put("d", 4, at=0)  # with a time that was read already: a late commit
    reader.put("e", 5, at=0)
    assert run(url, reader, 1) == (2, 3)
    assert reader.asked == ["read", "read", "keys", "fetch"]
    assert newest(url) == reader.living == {"b": 2, "c": 3, "d": 4, "e": 5}
    assert ledger(url)[-1] == (2, 3, 4, 4)


def test_records_that_the_source_counts_and_does_not_list_are_told(url, reader, caplog, monkeypatch):
    monkeypatch.setattr(reader, "count", lambda entity: 5)  # two that the user it is read as may not see
    assert run(url, reader) == (3, 3)
    assert reader.asked == ["read", "keys"]
    assert ledger(url)[-1][-2:] == (3, 5)
    assert caplog.messages == ["test: things: 5 records there, 3 here"]


def test_equal_counts_hide_an_exchange_until_the_list_is_due(url, reader):
    run(url, reader)
    reader.now += 10
    reader.purge("a")
    reader.put("d", 4, at=0)
    run(url, reader, 6)
    assert newest(url) == {"a": 1, "b": 2, "c": 3}
    run(url, reader, 7)
    assert newest(url) == reader.living
    reader.asked.clear()
    run(url, reader, 13)
    assert "keys" not in reader.asked
    run(url, reader, 14)
    assert "keys" in reader.asked


def test_a_source_that_cannot_count_is_listed_when_it_is_due(url, reader):
    reader.counts = False
    run(url, reader)
    reader.purge("a")
    assert run(url, reader, 1, Policy(reconcile_days=1)) == (0, 1)
    assert ledger(url)[-1] == (0, 1, 2, None)
    assert newest(url) == reader.living


def test_a_record_restored_with_its_old_time_comes_back_by_its_id(url, reader):
    run(url, reader)
    reader.now = 10
    reader.delete("a")
    run(url, reader, 1)
    assert newest(url) == {"b": 2, "c": 3}
    reader.now = 20
    reader.put("a", 1, at=0)
    run(url, reader, 2)
    assert newest(url) == {"a": 1, "b": 2, "c": 3}
    assert versions(url)[3:] == [("a", None), ("a", 1)]


def test_more_unknown_records_than_are_fetched_at_once(url, reader):
    run(url, reader)
    reader.now = 10
    wanted = reader.living | {f"late {number}": number for number in range(250)}
    for number in range(250):
        reader.put(f"late {number}", number, at=0)
    reader.purge("b")
    del wanted["b"]
    assert run(url, reader, 1) == (250, 251)
    assert reader.asked.count("fetch") == 3
    assert newest(url) == wanted
    with psycopg.connect(url) as connection:
        places = connection.execute("select count(distinct (_load_id, _row_number)), count(*) from raw_test.things")
        assert places.fetchone() == (254, 254)


def test_a_list_that_lacks_too_much_is_refused_and_nothing_is_kept(url):
    reader = MemoryReader(page=100)
    for number in range(120):
        reader.put(str(number), number)
    run(url, reader)
    for number in range(61):
        reader.purge(str(number))
    reader.now = 10
    reader.put("new", 1)
    with pytest.raises(SourceError, match="^test: things: 61 of 121 records are missing from the source's list of ids"):
        run(url, reader, 1)
    assert (len(versions(url)), len(ledger(url))) == (120, 1)
    assert run(url, reader, 1, Policy(max_gone_share=0.6)) == (1, 62)
    assert newest(url) == reader.living


def test_few_records_may_all_go(url, reader):
    run(url, reader)
    for key in "abc":
        reader.purge(key)
    run(url, reader, 1)
    assert newest(url) == {}
    assert ledger(url)[-1] == (0, 3, 0, 0)


@pytest.mark.parametrize("pages", [0, 1, 2])
def test_a_reading_that_breaks_off_leaves_nothing_and_the_next_is_whole(url, reader, pages):
    reader.fails_after = pages
    with pytest.raises(SourceUnavailable, match="it stopped in the middle"):
        run(url, reader)
    assert ledger(url) == []
    reader.fails_after = None
    run(url, reader)
    assert versions(url) == [("a", 1), ("b", 2), ("c", 3)]
    reader.now, reader.fails_after = 10, pages
    reader.put("a", 10)
    with pytest.raises(SourceUnavailable):
        run(url, reader, 1)
    assert (len(versions(url)), len(ledger(url))) == (3, 1)
    reader.fails_after = None
    assert run(url, reader, 1) == (1, 1)


def test_a_failure_while_reconciling_leaves_nothing(url, reader):
    run(url, reader)

    class Failing(Exception):
        pass

    def fetch(entity, record_ids):
        raise Failing

    reader.now, reader.fetch = 10, fetch
    reader.put("a", 10)
    reader.put("d", 4, at=0)
    with pytest.raises(Failing):
        run(url, reader, 1)
    assert (len(versions(url)), len(ledger(url))) == (3, 1)
    del reader.fetch
    assert run(url, reader, 1) == (2, 2)
    assert newest(url) == reader.living


def test_a_killed_connection_leaves_nothing(url, reader):
    run(url, reader)
    reader.now = 10
    reader.put("a", 10)

    def count(entity):
        with psycopg.connect(url, autocommit=True) as connection:
            query = "select count(pg_terminate_backend(pid)) from pg_locks where locktype = 'advisory' and database ="
            query += " (select oid from pg_database where datname = current_database())"
            assert connection.execute(query).fetchone() == (1,)
        return 3

    reader.count = count
    with pytest.raises(psycopg.OperationalError):
        run(url, reader, 1)
    assert (len(versions(url)), len(ledger(url))) == (3, 1)
    del reader.count
    assert run(url, reader, 1) == (1, 1)


def test_no_transaction_is_open_while_the_source_is_slow(url, reader):
    seen = []

    def look(method):
        def looked(*arguments):
            with psycopg.connect(url) as connection:
                query = """
                    select state from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
                """
                seen.extend(connection.execute(query).fetchall())
            return method(*arguments)

        return looked

    class Slow(MemoryReader):
        def read(self, entity, state):
            pages = super().read(entity, state)
            while True:
                try:
                    yield look(next)(pages)
                except StopIteration as end:
                    return end.value

    slow = Slow()
    slow.versions = reader.versions
    slow.count = look(slow.count)
    run(url, slow, 0, Policy(reconcile_days=0))
    assert len(seen) == 4
    assert set(seen) == {("idle",)}


def test_a_night_before_the_newest_load_does_nothing(url, reader):
    run(url, reader, 5)
    reader.now = 10
    reader.put("a", 10)
    assert run(url, reader, 4) == (0, 0)
    assert reader.asked == ["read"]
    assert run(url, reader, 5) == (1, 1)


def test_two_at_once_land_each_version_once(url, reader):
    reader.lag = 60
    gate = threading.Barrier(3)
    results = []

    def load():
        gate.wait()
        results.append(run(url, reader))

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [(3, 0), (3, 0), (3, 3)]
    assert versions(url) == [("a", 1), ("b", 2), ("c", 3)]


def test_an_empty_source(url):
    assert run(url, MemoryReader()) == (0, 0)
    assert run(url, MemoryReader(), 1, Policy(reconcile_days=0)) == (0, 0)
    assert ledger(url) == [(0, 0, 0, 0), (0, 0, 0, 0)]


def test_a_time_without_a_zone_is_utc_whatever_the_server_thinks(url):
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"alter database {name} set timezone to 'Asia/Shanghai'")
        run(url, Told([Version("a", "{}", datetime(2024, 1, 1, 12))]))  # noqa: DTZ001
        query = "select _changed_at = '2024-01-01 12:00:00+00' from raw_test.things"
        assert connection.execute(query).fetchone() == (True,)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r'{"v":"a\u0000b"}', "a\ufffdb"),
        (r'{"v":"\ud800x"}', "\ufffdx"),
        (r'{"v":"x\uDC00"}', "x\ufffd"),
        (r'{"v":"\ud83d\ude00"}', "😀"),
        (r'{"v":"\ude00\ud83d\ude00"}', "\ufffd😀"),
        (r'{"v":"\\u0000"}', "\\u0000"),
        (r'{"v":"\\\u0000"}', "\\\ufffd"),
        (r'{"v":"\u00e9\n"}', "é\n"),
        ('{"v":"😀"}', "😀"),
    ],
)
def test_texts_that_postgresql_has_no_place_for_are_mended(url, text, wanted):
    run(url, Told([Version("a", text)]))
    assert versions(url) == [("a", wanted)]


def test_what_is_whole_is_not_touched():
    assert storable(None) is None
    assert storable(r"\\u0000 \u00e9") == r"\\u0000 \u00e9"


@pytest.mark.parametrize(
    "version",
    [
        Version("a", '{"v": secret}'),
        Version("a\0", "{}"),
        Version("a", '{"v":1e999999}'),
        Version("a\ud800", "{}"),
        Version(None, "{}"),
    ],
)
def test_what_cannot_be_stored_is_an_error_without_values(url, version):
    with pytest.raises(SourceError, match=r"^test: things: a record that PostgreSQL cannot store \(\w+\)$") as caught:
        run(url, Told([at("b", 1), version]))
    assert not isinstance(caught.value, SourceUnavailable)
    assert ledger(url) == []
