"""Assignments through time, beside a model that keeps the whole of each night."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kehu.warehouse.tables import connect
from ml.identity.history import known_on, write_events, write_night
from ml.identity.ids import Event
from ml.identity.state import State

FIRST = date(2026, 1, 1)
DAYS = range(8)
# Some records get an id, some lose theirs (None), the others are not named.
NAMED = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["P-1", "P-2", "P-3", None]))
WRITTEN = st.lists(st.tuples(st.sampled_from(DAYS), NAMED), max_size=8)


def on(number):
    return FIRST + timedelta(days=number)


class Nights:
    """What was known on each night that was written, and nothing cleverer."""

    def __init__(self):
        self.known = {}

    def at(self, number):
        """As of a day: what the newest night up to it knew."""
        nights = [night for night in self.known if night <= number]
        return self.known[max(nights)] if nights else {}

    def later(self, number):
        return min((night for night in self.known if night > number), default=None)

    def write(self, number, named):
        """How many records changed."""
        before = self.at(number)
        after = {record: customer for record, customer in {**before, **named}.items() if customer}
        self.known[number] = after
        return sum(before.get(record) != after.get(record) for record in named)


@pytest.fixture
def state(url):
    with connect(url) as connection:
        yield State(connection, "person")


@pytest.fixture
def other(state):
    """The other kind in the same transaction, with a night of its own."""
    companies = State(state.connection, "company")
    write_night(companies, on(3), None, {"a": "C-1", "b": "C-2"})
    return companies


def as_of(state, number):
    query = f"select record_key, customer_id from identity.as_of('{on(number)}') where kind = {{kind}}"
    return Counter((row["record_key"], row["customer_id"]) for row in state.read(query).to_pylist())


def write(state, nights, number, named):
    later = nights.later(number)
    changed = write_night(state, on(number), None if later is None else on(later), named)
    assert changed == nights.write(number, named)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WRITTEN)
def test_nights_in_any_order_are_known_as_they_were_written(state, other, written):
    state.run("delete from identity.assignments where kind = {kind}")
    nights = Nights()
    for number, named in written:
        write(state, nights, number, named)
    for number in (-1, *DAYS, 99):
        assert as_of(state, number) == Counter(nights.at(number).items())
        assert known_on(state, on(number)) == nights.at(number)
    assert as_of(other, 3) == Counter({("a", "C-1"): 1, ("b", "C-2"): 1})


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WRITTEN)
def test_a_night_written_twice_changes_nothing(state, written):
    state.run("delete from identity.assignments where kind = {kind}")
    nights = Nights()
    for number, named in written:
        write(state, nights, number, named)
        rows = "select * from identity.assignments order by record_key, valid_from"
        once = state.read(rows)
        write(state, nights, number, named)
        assert state.read(rows) == once


def test_nothing_is_known_without_a_night(state):
    assert known_on(state, None) == {}
    assert known_on(state, on(0)) == {}


def test_what_is_known_of_some_records_only(state):
    write_night(state, on(1), None, {"a": "P-1", "b": "P-1", "c": "P-2"})
    state.put_keys("asked", ["a", "c", "unheard of"])
    assert known_on(state, on(1), "asked") == {"a": "P-1", "c": "P-2"}


def test_a_night_of_the_past_is_known_until_the_next_one(state):
    write_night(state, on(1), None, {"a": "P-1", "b": "P-1"})
    write_night(state, on(5), None, {"a": "P-5", "b": None})
    write_night(state, on(3), on(5), {"a": "P-3", "b": "P-3"})
    assert [known_on(state, on(n)) for n in (0, 1, 2, 3, 4, 5, 6)] == [
        {},
        {"a": "P-1", "b": "P-1"},
        {"a": "P-1", "b": "P-1"},
        {"a": "P-3", "b": "P-3"},
        {"a": "P-3", "b": "P-3"},
        {"a": "P-5"},
        {"a": "P-5"},
    ]


def log(state):
    rows = state.read("select * from identity.merge_log order by as_of_date, kind, customer_id").to_pylist()
    return [
        (row["as_of_date"], row["kind"], row["event"], row["customer_id"], row["other_customer_id"]) for row in rows
    ]


def test_a_night_run_again_replaces_its_own_events_only(state):
    write_events(state, on(1), [Event("created", "P-1", "", 2)], replace=False)
    write_events(state, on(2), [Event("merged", "P-1", "P-0", 2)], replace=False)
    write_events(State(state.connection, "company"), on(2), [Event("created", "C-1", "", 1)], replace=False)
    write_events(state, on(2), [Event("vanished", "P-1", "", 2)], replace=True)
    assert log(state) == [
        (on(1), "person", "created", "P-1", ""),
        (on(2), "company", "created", "C-1", ""),
        (on(2), "person", "vanished", "P-1", ""),
    ]
    write_events(state, on(2), [], replace=True)
    assert [row[:3] for row in log(state)] == [(on(1), "person", "created"), (on(2), "company", "created")]
