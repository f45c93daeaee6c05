from __future__ import annotations

import pytest

from ml.identity.link import link
from ml.identity.settings import Settings, load
from tests.ml.identity.worlds import ANNA, STRANGER, customers, decide, sets, world

# One account and two tickets that it wrote; they tell nothing else.
ACCOUNT = {key: {"keys": ["shop.account:1"]} for key in "abc"}


def with_keys(**changes: object) -> Settings:
    """The shipped settings with other keys for persons."""
    settings = load()
    keys = settings.person.keys.model_copy(update=changes)
    return settings.model_copy(update={"person": settings.person.model_copy(update={"keys": keys})})


def test_records_with_an_own_key_are_one_unit():
    linked = link(world(a={"keys": ["shop.account:1"]}, b={"keys": ["shop.account:1"]}, c={"keys": ["shop.account:2"]}))
    assert linked.counts["units"] == 2
    assert customers(linked) == sets("ab", "c")
    assert linked.links.select(["left_key", "right_key", "rule"]).to_pylist() == [
        {"left_key": "a", "right_key": "b", "rule": "shop.account"}
    ]


def test_own_keys_join_through_a_record_that_has_both():
    linked = link(
        world(
            a={"keys": ["shop.account:1"]},
            b={"keys": ["shop.account:1", "support.ticket:7"]},
            c={"keys": ["support.ticket:7"]},
        )
    )
    assert (linked.counts["units"], customers(linked)) == (1, sets("abc"))


def test_own_keys_join_even_what_contradicts_itself(model):
    same = {"keys": ["zoho_crm.contact:5"]}
    assert customers(link(world(a=ANNA | same, b=STRANGER | same), model=model)) == sets("ab")


def test_a_linked_key_makes_one_customer_of_two_units():
    linked = link(world(a={"keys": ["shop.order:1"]}, b={"keys": ["shop.order:1"]}))
    assert (linked.counts["units"], customers(linked)) == (2, sets("ab"))


def test_keys_of_types_without_a_rule_join_nothing():
    assert customers(link(world(a={"keys": ["shop.session:1"]}, b={"keys": ["shop.session:1"]}))) == sets("a", "b")
    keyed = world(a={"keys": ["shop.account:1"]}, b={"keys": ["shop.account:1"]})
    assert customers(link(keyed, settings=with_keys(own=()))) == sets("a", "b")


@pytest.mark.parametrize("name", ["shop.account", "shop.order"])
def test_a_key_with_more_records_than_its_cap_joins_nothing_and_is_told(name):
    records = world(**{key: {"keys": [f"{name}:4711"]} for key in "abc"})
    assert customers(link(records, settings=with_keys(cap=3))) == sets("abc")
    linked = link(records, settings=with_keys(cap=2))
    assert customers(linked) == sets("a", "b", "c")
    [finding] = linked.findings
    assert (finding.finding, finding.count_records) == ("shared value", 3)
    assert name in finding.subject
    assert "4711" not in finding.subject


def test_the_records_of_a_unit_are_compared_as_one(model):
    """Neither of its records tells enough to be Anna: one has her first name, the other her mail and birth date."""
    name = {"given_name": ANNA["given_name"], "keys": ["shop.account:1"]}
    contact = {"mails": ANNA["mails"], "birth_date": ANNA["birth_date"], "keys": ["shop.account:1"]}
    assert customers(link(world(a=ANNA, b=name, c=contact), model=model)) == sets("abc")
    assert frozenset("ab") not in customers(link(world(a=ANNA, b=name | {"keys": []}), model=model))


def test_a_decision_tears_a_unit():
    linked = link(world(**ACCOUNT), decisions=[decide("a", "<>", "b")])
    assert customers(linked) == sets("ac", "b")
    assert customers(link(world(**ACCOUNT), decisions=[decide("b", "<>", "c")])) == sets("ab", "c")


def test_all_decisions_about_a_unit_hold():
    apart = [decide("a", "<>", "b"), decide("b", "<>", "c"), decide("a", "<>", "c")]
    assert customers(link(world(**ACCOUNT), decisions=apart)) == sets("a", "b", "c")


def test_a_torn_unit_is_not_joined_again_by_what_its_parts_share(model):
    records = world(a=ANNA | {"keys": ["shop.account:1"]}, b=ANNA | {"keys": ["shop.account:1"]}, c=ANNA)
    found = customers(link(records, model=model, decisions=[decide("a", "<>", "b")]))
    assert not any({"a", "b"} <= keys for keys in found)


def test_within_a_torn_unit_what_is_decided_to_be_the_same_stays_together():
    decisions = [decide("a", "<>", "b"), decide("b", "=", "c")]
    assert customers(link(world(**ACCOUNT), decisions=decisions)) == sets("a", "bc")


def test_a_unit_is_torn_when_decisions_about_others_tell_its_records_apart():
    """s is a and is not b: so a is not b, whatever account they share."""
    records = world(a=ACCOUNT["a"], b=ACCOUNT["b"], s={})
    assert customers(link(records, decisions=[decide("a", "=", "s"), decide("b", "<>", "s")])) == sets("as", "b")


def test_units_that_must_be_both_one_and_two_are_torn():
    """a is s and b is not t, where a and b share an account, and s and t another one."""
    two = {"keys": ["shop.account:2"]}
    records = world(a=ACCOUNT["a"], b=ACCOUNT["b"], s=two, t=two)
    found = customers(link(records, decisions=[decide("a", "=", "s"), decide("b", "<>", "t")]))
    assert any({"a", "s"} <= keys for keys in found)
    assert not any({"b", "t"} <= keys for keys in found)
