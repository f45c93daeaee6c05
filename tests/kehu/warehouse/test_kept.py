"""Marts stored once for all runs: readers see the published run's rows, older runs stay readable until they retire."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from kehu.warehouse import publish as publishing
from kehu.warehouse.runs import Night, open_night

RANGE = "run_from <= {0} and (run_to is null or run_to > {0})"


def night_with(url: str, told: dict[int, str], columns: str = "id, word") -> Night:
    """A night whose mart fct_words holds these words, as dbt leaves it: kept rows, a view, and a mart of its own."""
    night = open_night(url, date(2024, 1, 1), "test")
    with psycopg.connect(url) as connection:
        connection.execute(f"create schema {night.schema}")
        connection.execute(f"create table {night.schema}.dim_runs as select {night.run_id}::bigint as built_by")
        connection.execute(
            "create table if not exists kept.fct_words (id bigint, word text, run_from bigint not null, run_to bigint)"
        )
        open_rows = dict(connection.execute("select id, word from kept.fct_words where run_to is null").fetchall())
        for key in [key for key, word in open_rows.items() if told.get(key) != word]:
            end = "update kept.fct_words set run_to = %s where id = %s and run_to is null"
            connection.execute(end, [night.run_id, key])
        for key in [key for key, word in told.items() if open_rows.get(key) != word]:
            insert = "insert into kept.fct_words (id, word, run_from) values (%s, %s, %s)"
            connection.execute(insert, [key, told[key], night.run_id])
        where = RANGE.format(night.run_id)
        connection.execute(
            f"create view {night.schema}.fct_words as select {columns} from kept.fct_words where {where}"
        )
    return night


def show(url: str, night: Night) -> dict[str, int]:
    counts = publishing.attach(url, night)
    publishing.publish(url, night)
    return counts


def read(url: str, relation: str = "marts.fct_words") -> dict[int, str]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute(f"select id, word from {relation}").fetchall())


def test_readers_see_the_published_run_and_a_roll_back_goes_to_the_one_before(url):
    first = night_with(url, {1: "one", 2: "two"})
    assert show(url, first) == {"dim_runs": 1, "fct_words": 2}
    second = night_with(url, {1: "one", 2: "zwei", 3: "three"})
    publishing.attach(url, second)
    assert read(url) == {1: "one", 2: "two"}
    publishing.publish(url, second)
    assert read(url) == {1: "one", 2: "zwei", 3: "three"}
    publishing.publish(url, publishing.previous_night(url))
    assert read(url) == {1: "one", 2: "two"}


def test_a_column_that_follows_from_the_day_is_that_of_the_published_run(url):
    first, second = night_with(url, {1: "one"}), night_with(url, {1: "one", 2: "two"})
    with psycopg.connect(url) as connection:
        connection.execute("update ops.runs set as_of_date = date '2024-01-05' where run_id = %s", [second.run_id])
        connection.execute(
            "insert into ops.model_states (model, code_version, run_id, consumed, by_night)"
            """ values ('fct_words', '-', %s, 0, '{"word": "cast({day} - date ''2024-01-01'' + id as text)"}')""",
            [second.run_id],
        )
    show(url, first)
    assert read(url) == {1: "1"}
    show(url, second)
    assert read(url) == {1: "5", 2: "6"}
    publishing.publish(url, publishing.previous_night(url))
    assert read(url) == {1: "1"}


def test_a_night_that_was_never_published_leaves_no_trace_for_readers(url):
    show(url, night_with(url, {1: "one"}))
    night_with(url, {1: "broken"})
    assert read(url) == {1: "one"}
    show(url, night_with(url, {1: "one", 2: "two"}))
    assert read(url) == {1: "one", 2: "two"}


def test_rows_go_when_no_kept_run_shows_them(url):
    nights = [night_with(url, {1: "one", 2: f"word {n}"}) for n in range(2)]
    for night in nights:
        show(url, night)
    for n in range(2, 6):
        nights.append(night_with(url, {1: "one", 2: f"word {n}"}))
        show(url, nights[-1])
    publishing.retire(url, keep=2)
    with psycopg.connect(url) as connection:
        left = connection.execute("select word from kept.fct_words where id = 2 order by word").fetchall()
    assert left == [("word 4",), ("word 5",)]
    assert read(url) == {1: "one", 2: "word 5"}
    publishing.publish(url, publishing.previous_night(url))
    assert read(url) == {1: "one", 2: "word 4"}


def test_told_changes_go_with_the_runs_that_knew_nothing_of_them(url):
    nights = [night_with(url, {1: f"word {n}"}) for n in range(4)]
    with psycopg.connect(url) as connection:
        for night in nights:
            connection.execute(
                "insert into ops.changed_keys (run_id, entity, key) values (%s, 'e', 'k')", [night.run_id]
            )
    for night in nights:
        show(url, night)
    publishing.retire(url, keep=2)
    with psycopg.connect(url) as connection:
        left = connection.execute("select run_id from ops.changed_keys order by 1").fetchall()
    assert left == [(night.run_id,) for night in nights[2:]]


def test_a_kept_mart_may_gain_a_column_but_lose_none(url):
    show(url, night_with(url, {1: "one"}))
    with psycopg.connect(url) as connection:
        connection.execute("alter table kept.fct_words add column length integer")
    show(url, night_with(url, {1: "one", 2: "two"}, "id, word, length"))
    with psycopg.connect(url) as connection:
        assert connection.execute("select * from marts.fct_words where id = 2").fetchall() == [(2, "two", None)]
    with pytest.raises(publishing.PublishError, match="fct_words: column word was removed"):
        publishing.attach(url, night_with(url, {1: "one"}, "id, length"))
    assert read(url) == {1: "one", 2: "two"}


def test_a_run_that_lacks_a_kept_mart_is_not_published(url):
    show(url, night_with(url, {1: "one"}))
    night = night_with(url, {1: "one"})
    with psycopg.connect(url) as connection:
        connection.execute(f"drop view {night.schema}.fct_words")
    with pytest.raises(publishing.PublishError, match="lacks fct_words"):
        publishing.attach(url, night)


def test_runs_from_before_the_mart_was_kept_stay_readable(url):
    with psycopg.connect(url) as connection:
        before = open_night(url, date(2024, 1, 1), "test")
        connection.execute(f"create schema {before.schema}")
        connection.execute(f"create table {before.schema}.dim_runs as select {before.run_id}::bigint as built_by")
        connection.execute(f"create table {before.schema}.fct_words as select 'old' as word, 7::bigint as id")
    show(url, before)
    after = night_with(url, {1: "one"})
    publishing.attach(url, after)
    assert read(url) == {7: "old"}
    publishing.publish(url, after)
    assert read(url) == {1: "one"}
    publishing.publish(url, before)
    assert read(url) == {7: "old"}


def test_a_kept_mart_does_not_become_a_table_under_its_name(url):
    show(url, night_with(url, {1: "one"}))
    night = night_with(url, {1: "one"})
    with psycopg.connect(url) as connection:
        connection.execute(f"drop view {night.schema}.fct_words")
        connection.execute(f"create table {night.schema}.fct_words as select 1::bigint as id, 'one' as word")
    with pytest.raises(publishing.PublishError, match="fct_words: it was kept from run to run"):
        publishing.attach(url, night)
    assert read(url) == {1: "one"}
