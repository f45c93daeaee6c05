"""Periods of what nights knew, beside a model that keeps the whole of each night."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from kehu.warehouse.history import keep

FIRST = date(2026, 1, 1)
TONIGHT = sql.Identifier("pg_temp", "tonight")
COLUMNS = "customer_id, tag_id, version, reason, expires_on"
ROWS = f"select {COLUMNS}, valid_from, valid_to from history.customer_tags order by customer_id, tag_id, valid_from"
# Two customers, two tags; what is told of a pair: a version, a reason, and an end or none.
PAIRS = [(customer, tag) for customer in "ab" for tag in "xy"]
TOLD = st.tuples(st.sampled_from([1, 2]), st.sampled_from("pq"), st.sampled_from([None, date(2027, 1, 1)]))
NIGHT = st.dictionaries(st.sampled_from(PAIRS), TOLD)
NIGHTS = st.lists(st.tuples(st.integers(0, 6), NIGHT), min_size=1, max_size=9)
WITH_DATABASE = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def on(number):
    return FIRST + timedelta(days=number)


@pytest.fixture
def connection(url):
    with psycopg.connect(url) as made:
        made.execute("create temporary table tonight (like history.customer_tags)")
        yield made


def write(connection, number, told):
    """Keep a night; how many subjects changed."""
    connection.execute("truncate pg_temp.tonight")
    insert = f"insert into pg_temp.tonight ({COLUMNS}, valid_from) values (%s, %s, %s, %s, %s, '2000-01-01')"
    for pair, values in told.items():
        connection.execute(insert, [*pair, *values])
    return keep(connection, "customer_tags", TONIGHT, on(number))


def rows(connection):
    return connection.execute(ROWS).fetchall()


def forget(connection):
    connection.execute("truncate history.customer_tags, history.nights")


def periods(nights):
    """The periods that nights make, worked out pair by pair from the whole of each night."""
    made = []
    for pair in PAIRS:
        begun = None
        for number in sorted(nights):
            now = nights[number].get(pair)
            if begun and begun[0] != now:
                made.append((*pair, *begun[0], begun[1], on(number)))
                begun = None
            if now and not begun:
                begun = (now, on(number))
        if begun:
            made.append((*pair, *begun[0], begun[1], None))
    return sorted(made, key=lambda row: (row[0], row[1], row[5]))


@settings(max_examples=150, **WITH_DATABASE)
@given(NIGHTS)
def test_nights_in_any_order_and_again_make_the_same_table(connection, written):
    forget(connection)
    known = {}
    for number, told in written:
        write(connection, number, told)
        known[number] = told
        assert rows(connection) == periods(known)


@settings(max_examples=50, **WITH_DATABASE)
@given(st.dictionaries(st.integers(0, 9), NIGHT, min_size=1), st.randoms(use_true_random=False))
def test_nights_shuffled_and_repeated_end_in_the_rows_of_nights_in_their_order(connection, nights, chance):
    forget(connection)
    for number in sorted(nights):
        write(connection, number, nights[number])
    in_order = rows(connection)
    forget(connection)
    shuffled = [*nights, *chance.sample(sorted(nights), k=len(nights) // 2)]
    chance.shuffle(shuffled)
    for number in shuffled:
        write(connection, number, nights[number])
    assert rows(connection) == in_order


def test_only_what_changed_is_written(connection):
    told = {("a", "x"): (1, "p", None), ("b", "x"): (1, "p", None)}
    assert write(connection, 1, told) == 2
    places = "select customer_id, ctid from history.customer_tags where valid_from = '2026-01-02' order by 1"
    before = connection.execute(places).fetchall()
    assert write(connection, 1, told) == write(connection, 2, told) == 0
    assert write(connection, 3, told | {("b", "x"): (2, "p", None)}) == 1
    after = connection.execute(places).fetchall()
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_a_night_run_late_is_spliced_in_between_and_holds_until_the_next_one(connection):
    write(connection, 1, {("a", "x"): (1, "p", None)})
    write(connection, 5, {("a", "x"): (1, "p", None)})
    write(connection, 3, {})
    assert rows(connection) == [
        ("a", "x", 1, "p", None, on(1), on(3)),
        ("a", "x", 1, "p", None, on(5), None),
    ]
    # Run again with what the others say, it leaves no seam.
    write(connection, 3, {("a", "x"): (1, "p", None)})
    assert rows(connection) == [("a", "x", 1, "p", None, on(1), None)]


def test_tables_know_their_own_nights_and_a_table_that_is_none_is_told(connection):
    write(connection, 1, {})
    connection.execute("insert into history.nights values ('tags', '2026-01-04')")
    write(connection, 2, {("a", "x"): (1, "p", None)})
    assert rows(connection) == [("a", "x", 1, "p", None, on(2), None)]
    with pytest.raises(LookupError, match="there is no table history.nothing"):
        keep(connection, "nothing", TONIGHT, FIRST)
