"""Who has which tag on a night: rules asked of traits and models, reasons, ends, and what is refused."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from kehu.tags.night import keep_tags
from kehu.tags.registry import Registry, Tag, TagError
from kehu.warehouse.runs import Night

NIGHT = Night(1, date(2024, 6, 30))
TRAITS = """
create table ml_features.ftr_customer_traits (
    customer_id text, as_of_date date, country text, count_orders integer, net_amount numeric(16, 3),
    last_order_date date
);
insert into ml_features.ftr_customer_traits values
    ('a', '2024-06-30', 'France', 7, 12.5, '2024-06-01'),
    ('b', '2024-06-30', '100 %', 2, 0, '2024-05-31'),
    ('c', '2024-06-30', null, 0, 0, null);
create table intermediate.int_themes (customer_id text, reason text, theme text, last_order_date date);
insert into intermediate.int_themes values
    ('a', 'cakes', 'baking', '2024-05-01'), ('a', 'pies', 'baking', '2024-06-01'),
    ('b', 'cakes', 'baking', '2024-05-02'), ('b', 'roses', 'garden', '2024-06-02'),
    (null, 'cakes', 'baking', '2024-06-02');
"""


@pytest.fixture
def kept(url):
    """A function that keeps a night of tags and returns who has them, with reason and end."""
    with psycopg.connect(url) as connection:
        connection.execute(TRAITS)

    def keep(*tags, night=NIGHT):
        with psycopg.connect(url) as connection:
            keep_tags(connection, night, Registry(tags=tags))
        with psycopg.connect(url) as connection:
            return connection.execute(
                "select customer_id, reason, expires_on from history.customer_tags where valid_to is null order by 1, 2"
            ).fetchall()

    return keep


def tag(**fields):
    return Tag(**{"id": "t", "name_en": "T", "name_zh": "标签", "kind": "basic", "version": 1, **fields})


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("count_orders >= 2 and net_amount > 1", [("a", "count_orders = 7, net_amount = 12.500", None)]),
        ("country = '100 %' or country like '%count_orders%'", [("b", "country = 100 %", None)]),
        ("last_order_date is null", [("c", "last_order_date = unknown", None)]),
        ("as_of_date - last_order_date < 30", [("a", "last_order_date = 2024-06-01", None)]),
        ("1 = 2", []),
        ("customer_id\n  = 'a'", [("a", "customer_id = a", None)]),
        ("not (1 = 2) or 'x' in ('(', ')')", [(c, "not (1 = 2) or 'x' in ('(', ')')", None) for c in "abc"]),
    ],
)
def test_a_rule_is_asked_of_the_traits_and_the_values_it_names_are_the_reason(kept, rule, found):
    assert kept(tag(rule=rule)) == found


def test_an_assignment_lasts_its_days_from_the_day_it_counts_from(kept):
    """a ordered on June 1st: 30 days later is July 1st, the day after the night. For b the night itself is the end."""
    assert kept(tag(rule="count_orders > 0", since="last_order_date", valid_days=30)) == [
        ("a", "count_orders = 7, last_order_date = 2024-06-01", date(2024, 7, 1))
    ]


def test_a_model_gives_the_reason_and_of_several_rows_the_one_that_lasts_longest_counts(kept):
    themes = {"model": "int_themes", "rule": "theme = 'baking'"}
    assert kept(tag(**themes)) == [("a", "cakes", None), ("b", "cakes", None)]
    lasting = themes | {"version": 2, "since": "last_order_date", "valid_days": 90}
    assert kept(tag(**lasting)) == [("a", "pies", date(2024, 8, 30)), ("b", "cakes", date(2024, 7, 31))]
    assert kept(tag(model="int_themes", version=3)) == [("a", "cakes", None), ("b", "cakes", None)]


def test_a_mart_of_the_run_may_be_the_model(kept, url):
    with psycopg.connect(url) as connection:
        connection.execute(
            "create schema run_1; create table run_1.fct_x as select 'z' as customer_id, 'why' as reason"
        )
    assert kept(tag(model="fct_x")) == [("z", "why", None)]


def test_retired_and_expired_tags_are_nobodys(kept):
    gone = tag(id="gone", rule="true", status="retired")
    over = tag(id="over", rule="true", expires_on=NIGHT.as_of_date)
    last = tag(id="last", rule="customer_id = 'a'", expires_on=date(2024, 7, 1))
    assert kept(gone, over, last) == [("a", "customer_id = a", None)]


# To a reader of plain literals all of it from the second quote on is one.
SMUGGLED = (
    r"country = E'\'' )) as f where true; drop table history.tags;"
    " select 1 from (select null::text as customer_id, null::date as expires_on, null::text as reason where (true --'"
)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rule": "count_orders >"}, "tag t: rule: syntax error at or near"),
        ({"rule": "orders > 2"}, 'tag t: rule: column "orders" does not exist'),
        ({"rule": "count_orders"}, "tag t: rule: argument of WHERE must be type boolean"),
        ({"rule": "1 / count_orders > 0"}, "tag t: rule: division by zero"),
        ({"rule": "cast(country as date) < as_of_date"}, 'tag t: rule: invalid input syntax for type date: "…"'),
        ({"rule": SMUGGLED}, "tag t: rule: cannot insert multiple commands"),
        ({"model": "int_nothing"}, "tag t: model: int_nothing is no table that the night has built by now"),
        ({"model": "ftr_customer_traits"}, "tag t: model: no column reason"),
        ({"rule": "true", "since": "last_call_date", "valid_days": 3}, "tag t: since: no column last_call_date"),
    ],
)
def test_what_cannot_be_asked_fails_with_the_tags_name_and_leaves_nothing(kept, url, fields, message):
    with pytest.raises(TagError) as caught:
        kept(tag(id="fine", rule="true"), tag(**fields))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from history.tags, history.nights").fetchone() == (0,)


def test_a_changed_rule_needs_a_new_version_also_on_another_night(kept):
    kept(tag(rule="count_orders > 2"))
    earlier = Night(2, date(2024, 6, 1))
    for night in (NIGHT, earlier):
        with pytest.raises(TagError, match="tag t: version: the rule is not the one that version 1 had before"):
            kept(tag(rule="count_orders > 3"), night=night)
    assert [row[0] for row in kept(tag(rule="count_orders  > 2", name_en="New name"))] == ["a"]
    assert [row[0] for row in kept(tag(rule="count_orders > 1", version=2))] == ["a", "b"]
    # The old rule may come back under its own version: a night of the past is run with the file of its time.
    assert [row[0] for row in kept(tag(rule="count_orders > 2"))] == ["a"]
