from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.identity.decisions import Judged, judge
from tests.ml.identity.worlds import decide

DECISIONS = st.builds(
    decide, st.sampled_from("abcdef"), st.sampled_from(["=", "<>"]), st.sampled_from("abcdef"), st.integers(1, 9)
).filter(lambda decision: decision.left_key != decision.right_key)


def groups_of(same):
    """The group of each record that decisions join."""
    group = {key: key for key in "abcdef"}
    for left, right in same:
        old, new = group[left], group[right]
        group = {key: new if value == old else value for key, value in group.items()}
    return group


def test_no_decisions():
    assert judge([]) == Judged()


def test_what_is_said_twice_is_said_once():
    judged = judge(
        [decide("a", "=", "b", 1), decide("b", "=", "a", 2), decide("c", "<>", "d", 1), decide("d", "<>", "c", 1)]
    )
    assert judged == Judged(same=(("a", "b"),), apart=(("c", "d"),))


def test_a_circle_is_no_contradiction():
    judged = judge([decide("a", "=", "b"), decide("b", "=", "c"), decide("c", "=", "a")])
    assert judged == Judged(same=(("a", "b"), ("a", "c"), ("b", "c")))


def test_three_that_are_all_apart_are_no_contradiction():
    judged = judge([decide("a", "<>", "b"), decide("b", "<>", "c"), decide("c", "<>", "a")])
    assert judged == Judged(apart=(("a", "b"), ("a", "c"), ("b", "c")))


@pytest.mark.parametrize(("older", "newer"), [("=", "<>"), ("<>", "=")])
def test_of_two_about_one_pair_the_newest_wins(older, newer):
    old, new = decide("a", older, "b", 3), decide("b", newer, "a", 4)
    judged = judge([old, new])
    assert (judged.same, judged.apart) == ((("a", "b"),) * (newer == "="), (("a", "b"),) * (newer == "<>"))
    assert judged.contradicted == (old,)


def test_an_older_decision_that_a_chain_rules_out_is_set_aside():
    apart = decide("a", "<>", "c", 1)
    judged = judge([apart, decide("a", "=", "b", 2), decide("b", "=", "c", 3)])
    assert judged == Judged(same=(("a", "b"), ("b", "c")), contradicted=(apart,))


def test_of_a_chain_the_oldest_link_is_set_aside():
    oldest = decide("b", "=", "c", 1)
    judged = judge([decide("a", "=", "b", 2), oldest, decide("a", "<>", "c", 3)])
    assert judged == Judged(same=(("a", "b"),), apart=(("a", "c"),), contradicted=(oldest,))


def test_groups_inherit_what_keeps_their_members_apart():
    last = decide("b", "=", "d", 1)
    newer = [decide("b", "<>", "c", 5), decide("a", "=", "b", 4), decide("c", "=", "d", 3), decide("d", "=", "e", 2)]
    assert judge([*newer, last]).contradicted == (last,)
    assert judge([*newer, decide("a", "=", "e", 1)]).contradicted == (decide("a", "=", "e", 1),)


@pytest.mark.parametrize(("left", "right"), ["ab", "ba"])
def test_of_two_about_one_pair_on_one_day_apart_wins(left, right):
    """To part two customers who are one costs less than to show one the other's orders."""
    judged = judge([decide(left, "=", right), decide(right, "<>", left)])
    assert (judged.same, judged.apart) == ((), (("a", "b"),))


@given(st.lists(DECISIONS, max_size=15), st.randoms(use_true_random=False))
def test_neither_the_order_of_decisions_nor_of_their_ends_counts(decisions, random):
    turned = [
        decide(d.right_key, "=" if d.is_same else "<>", d.left_key, d.decided_on.day) if random.random() < 0.5 else d
        for d in decisions
    ]
    random.shuffle(turned)
    one, other = judge(decisions), judge(turned)
    assert (one.same, one.apart) == (other.same, other.apart)


@given(st.lists(DECISIONS, max_size=15))
def test_what_is_kept_agrees_and_nothing_is_set_aside_without_need(decisions):
    judged = judge(decisions)
    group = groups_of(judged.same)
    between = {frozenset((group[a], group[b])) for a, b in judged.apart}
    assert all(len(ends) == 2 for ends in between)
    for decision in decisions:
        pair = tuple(sorted((decision.left_key, decision.right_key)))
        if decision not in judged.contradicted:
            assert pair in (judged.same if decision.is_same else judged.apart)
        else:
            ends = frozenset(group[key] for key in pair)
            assert ends in between if decision.is_same else len(ends) == 1


@given(st.lists(DECISIONS, max_size=15))
def test_newer_decisions_are_never_set_aside_for_older_ones(decisions):
    for day in range(1, 10):
        newer = [decision for decision in decisions if decision.decided_on.day >= day]
        assert set(judge(newer).contradicted) == {d for d in judge(decisions).contradicted if d.decided_on.day >= day}
