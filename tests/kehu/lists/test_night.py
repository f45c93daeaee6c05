"""Who is on which list on a night: consent, ways, caps, budgets, the hold-out group, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kehu.lists.registry import ListError
from tests.kehu.lists.worlds import DAY, World, customer, one_list

ONE_CALL = {"phone": {"contacts": 1, "days": 30}}


@pytest.fixture
def world(url):
    return World(url)


def statuses(rows):
    """(list, customer) → status and channel."""
    return {(name, who): (status, channel) for name, who, _, status, channel in rows}


def test_the_first_way_that_reaches_the_customer_and_is_allowed_is_taken(world):
    world.fill(
        customers=[customer("a"), customer("b"), customer("c", ways=["mail"]), customer("d", ways=[]), customer("e")],
        consents=[
            ("b", "phone", [], ["sales"]),
            ("c", "mail", ["marketing"], ["marketing"]),
            ("e", "phone", [], ["unknown"]),
            ("e", "mail", ["sales"], ["unknown"]),
        ],
    )
    assert statuses(world.keep(one_list())) == {
        ("call", "a"): ("member", "phone"),
        ("call", "b"): ("member", "mail"),
        ("call", "c"): ("member", "mail"),
        ("call", "d"): ("unreachable", None),
        ("call", "e"): ("no_consent", None),
    }


def test_opt_in_asks_for_a_consent_that_was_given_for_the_purpose_and_the_way(world):
    world.fill(
        customers=[customer(name) for name in "abcd"],
        consents=[
            ("a", "mail", ["marketing"], []),
            ("b", "phone", ["service"], []),
            ("c", "mail", ["marketing"], ["unknown"]),
        ],
    )
    told = statuses(world.keep(one_list(purpose="marketing", consent="opt_in")))
    assert told["call", "a"] == ("member", "mail")
    assert {told["call", name] for name in "bcd"} == {("no_consent", None)}


def test_caps_count_what_is_made_handed_out_and_planned_by_lists_that_come_first(world):
    """a was called 29 days ago, b 30 days ago; the first list takes the one call that is left of b's and c's."""
    world.fill(
        customers=[customer(name) for name in "abc"],
        contacts=[("a", "phone", DAY - timedelta(days=29)), ("b", "phone", DAY - timedelta(days=30))],
    )
    lists = [one_list("second", 2), one_list("first", 1, rule="customer_id <> 'c'"), one_list("third", 3)]
    told = statuses(world.keep(*lists, caps=ONE_CALL))
    assert told["first", "a"] == ("member", "mail")
    assert told["first", "b"] == ("member", "phone")
    assert told["second", "b"] == told["third", "b"] == ("member", "mail")
    assert told["second", "c"] == ("member", "phone")
    assert told["third", "c"] == ("member", "mail")


def test_the_cap_over_all_ways_leaves_nobody_a_second_contact(world):
    world.fill(customers=[customer("a"), customer("b")], contacts=[("b", "visit", DAY)])
    told = world.keep(one_list("first", 1), one_list("second", 2), caps={"any": {"contacts": 1, "days": 7}})
    assert statuses(told) == {
        ("first", "a"): ("member", "phone"),
        ("first", "b"): ("contact_cap", None),
        ("second", "a"): ("contact_cap", None),
        ("second", "b"): ("contact_cap", None),
    }


def test_occasions_of_one_customer_share_a_cap_and_the_most_gain_comes_first(world):
    world.fill(customers=[customer("a", 5, occasion="x"), customer("a", 9, occasion="y")])
    told = world.keep(one_list(channels=["phone"]), caps=ONE_CALL)
    assert [(row[2], row[3]) for row in told] == [("x", "contact_cap"), ("y", "member")]


def test_a_list_of_those_who_wait_for_an_answer_is_not_capped_but_counts(world):
    world.fill(customers=[customer("a")], contacts=[("a", "phone", DAY)])
    told = world.keep(one_list("asked", 1, is_capped=False), one_list("call", 2), caps=ONE_CALL)
    assert statuses(told) == {("asked", "a"): ("member", "phone"), ("call", "a"): ("member", "mail")}
    told = world.keep(one_list("asked", 1, is_capped=False), one_list("call", 2), caps={"any": ONE_CALL["phone"]})
    assert statuses(told)["call", "a"] == ("contact_cap", None)


def test_a_budget_goes_to_the_most_gain_and_ties_have_one_order(world):
    """25 pays for two contacts at 10; e's gain is not above the cost. b and c are equal: the smaller id comes first."""
    scores = {"a": 50, "b": 20, "c": 20, "d": 11, "e": 10}
    world.fill(customers=[customer(name, score) for name, score in scores.items()])
    told = statuses(world.keep(one_list(cost=10, budget={"amount": 25, "per": "night"})))
    assert {name: status for (_, name), (status, _) in told.items()} == {
        "a": "member",
        "b": "member",
        "c": "over_budget",
        "d": "over_budget",
    }


def test_a_month_s_budget_is_less_what_was_handed_out_in_it_and_whoever_has_a_place_keeps_it(world):
    """Two of three places are taken: by d, and by a customer who is off the list by now."""
    world.fill(
        customers=[customer("a", 50), customer("b", 40), customer("d", 11)],
        keys=[
            ("K1", "call", 10, date(2024, 6, 1)), ("K2", "call", 10, date(2024, 6, 9)),
            ("K3", "call", 10, date(2024, 5, 31)), ("K4", "other", 10, date(2024, 6, 9)), ("K5", "call", 10, None),
        ],
        handed_out=[("call", "d", "o", "K1", "mail", date(2024, 6, 1))],
    )  # fmt: skip
    told = world.keep(one_list(cost=10, budget={"amount": 30, "per": "month"}), caps=ONE_CALL)
    assert statuses(told) == {
        ("call", "a"): ("member", "phone"),
        ("call", "b"): ("over_budget", None),
        ("call", "d"): ("member", "mail"),
    }
    assert world.rows("select list_key from history.list_candidates where customer_id = 'd'") == [("K1",)]


def test_the_held_out_are_on_no_list_and_marked_where_they_would_have_been(world):
    """Two places for a, b, c, d by gain; b is held out and costs nothing, z stands behind the last."""
    scores = {"a": (50, False), "b": (40, True), "c": (30, False), "d": (20, False), "z": (15, True)}
    world.fill(customers=[customer(name, score, is_holdout=out) for name, (score, out) in scores.items()])
    told = statuses(world.keep(one_list(cost=10, budget={"amount": 20, "per": "night"})))
    assert {name: status for (_, name), (status, _) in told.items()} == {
        "a": "member",
        "b": "holdout",
        "c": "member",
        "d": "over_budget",
        "z": "over_budget",
    }


def test_what_was_handed_out_keeps_its_place_until_its_reason_its_consent_or_its_days_are_gone(world):
    handed = [("call", name, "o", f"K{name}", "phone", DAY - timedelta(days=3)) for name in "abcd"]
    contacts = [(name, "phone", DAY - timedelta(days=3)) for name in "abcd"]
    world.fill(
        customers=[customer("a"), customer("b"), customer("c", since=DAY - timedelta(days=31)), customer("e")],
        consents=[("b", "phone", [], ["sales"]), ("b", "mail", [], ["sales"])],
        contacts=contacts,
        handed_out=handed,
        outcomes=[("Ke", True, None)],
    )
    told = statuses(world.keep(one_list(channels=["phone", "mail"]), caps=ONE_CALL))
    assert told == {
        ("call", "a"): ("member", "phone"),
        ("call", "b"): ("no_consent", None),
        ("call", "e"): ("member", "phone"),
    }


def test_a_final_outcome_ends_it_and_one_that_cannot_count_does_not(world):
    world.fill(customers=[customer(name) for name in "abc"])
    world.keep(one_list())
    keys = dict(world.rows("select customer_id, list_key from history.list_candidates"))
    outcomes = [(keys["a"], True, None), (keys["b"], False, None), (keys["c"], True, "undated")]
    world.fill(customers=[customer(name) for name in "abc"], outcomes=outcomes)
    told = statuses(world.keep(one_list(), day=DAY + timedelta(days=1)))
    assert [told["call", name][0] for name in "abc"] == ["done", "member", "member"]


def test_words_hold_the_row_s_values_and_the_features_what_the_list_asked(world):
    world.fill(customers=[customer("a", 12)])
    told = {"rule": "country = 'Fr' || 'ance' and customer_value > 3", "reason_en": "100 % {country}, {customer_value}"}
    world.keep(one_list(**told, talking_points_zh="国家 {country}：{value_model_version}"))
    query = "select reason_en, talking_points_zh, features::jsonb, model_version from history.list_candidates"
    ((reason, points, features, version),) = world.rows(query)
    assert (reason, points, version) == ("100 % France, 12", "国家 France：v1", "value v1")
    assert features == {
        "country": "France", "customer_value": 12, "score": 12, "occasion": "o", "since": "2024-06-10",
        "until": "2024-07-10", "value_model_version": "v1",
    }  # fmt: skip


def test_the_same_night_again_changes_nothing(world):
    world.fill(customers=[customer("a"), customer("b", is_holdout=True), customer("c", ways=[])])
    query = "select * from history.list_candidates order by 1, 2, 3"
    first, kept = world.keep(one_list()), world.rows(query)
    assert world.keep(one_list()) == first
    assert world.rows(query) == kept
    keys = [row[3] for row in kept]
    assert len(set(keys)) == 3
    assert all(key.startswith("L-") for key in keys)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rule": "score >"}, "list call: syntax error at or near"),
        ({"rule": "nothing > 1"}, 'list call: column "nothing" does not exist'),
        ({"gain": "1 / (score - score)"}, "list call: division by zero"),
        ({"rule": "cast(country as date) < since"}, 'list call: invalid input syntax for type date: "…"'),
        ({"model": "lst_nothing"}, "list call: model: lst_nothing is no table that the night has built by now"),
        ({"occasion": "nothing"}, "list call: occasion: no column nothing"),
        ({"reason_zh": "{nothing}"}, "list call: reason_zh: no column nothing"),
        (
            {"rule": r"country = E'\'' )) as f where true; drop table history.lists; select 1 where (true --'"},
            "list call: ",
        ),
    ],
)
def test_what_cannot_be_asked_fails_with_the_list_s_name_and_leaves_nothing(world, fields, message):
    world.fill(customers=[customer("a")])
    with pytest.raises(ListError) as caught:
        world.keep(one_list("fine", 2), one_list(**fields))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert world.rows("select count(*) from history.lists, history.list_candidates") == [(0,)]


def test_a_changed_rule_needs_a_new_version(world):
    world.fill(customers=[customer("a")])
    world.keep(one_list(rule="score > 1"))
    with pytest.raises(ListError, match="list call: version: the rule is not the one that version 1 had before"):
        world.keep(one_list(rule="score > 2"), day=DAY - timedelta(days=1))
    world.keep(one_list(rule="score  > 1", name_en="Another name"))
    world.keep(one_list(rule="score > 2", version=2))
