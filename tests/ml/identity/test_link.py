"""The whole linkage of persons on small worlds whose answer is plain."""

from __future__ import annotations

import json
import time
from datetime import date

import numpy as np
import pyarrow.compute as pc
import pytest

from bench.identity_sets import LISTS, as_records
from ml.identity.link import link
from ml.identity.settings import load
from ml.identity.workspace import TEXTS
from tests.ml.identity.worlds import ANNA, STRANGER, cluster_of, customers, decide, sets, table_of, world

HOME = {name: ANNA[name] for name in ("surname", "phones", "street", "city", "postcode")}
NAME = {name: ANNA[name] for name in ("given_name", "surname")}
WANG = {"given_name": "wei", "surname": "wang", "name_key": "wang wei", "name_compact": "wangwei"}


def person(**changes):
    """The shipped settings with changes of those for persons."""
    settings = load()
    return settings.model_copy(update={"person": settings.person.model_copy(update=changes)})


def at_home(given_name, birth_date=None):
    return HOME | {"given_name": given_name, "birth_date": birth_date}


def test_people_of_a_household_are_not_one(model):
    records = world(
        a=at_home("anna", date(1984, 3, 17)),
        b=at_home("marek", date(1981, 9, 2)),
        c=at_home("zofia", date(2008, 1, 25)),
    )
    assert customers(link(records, model=model)) == sets("a", "b", "c")


def test_where_customers_are_families_neither_are_they_without_birth_dates(family_model):
    anna = at_home("anna") | {"mails": ["anna@example.org"]}
    marek = at_home("marek") | {"mails": ["marek77@example.net"]}
    assert customers(link(world(a=anna, b=marek), model=family_model)) == sets("a", "b")


def test_nor_do_they_become_one_through_a_record_that_tells_only_where_they_live(model):
    """It may be either of them, and says nothing about whether they are one."""
    anna, marek = at_home("anna", date(1984, 3, 17)), at_home("marek", date(1981, 9, 2))
    for count in (1, 2, 5):
        bare = {f"c{n}": HOME for n in range(count)}
        found = customers(link(world(a=anna, b=marek, **bare), model=model))
        assert not any({"a", "b"} <= keys for keys in found)


def test_who_may_be_either_of_two_is_neither(model):
    anna, marek = at_home("anna", date(1984, 3, 17)), at_home("marek", date(1981, 9, 2))
    assert customers(link(world(a=anna, c=HOME), model=model)) == sets("ac")
    assert customers(link(world(a=anna, b=marek, c=HOME), model=model)) == sets("a", "b", "c")
    own = HOME | {"mails": ["anna@example.org"]}
    assert customers(link(world(a=anna | own, b=marek, c=own), model=model)) == sets("ac", "b")


@pytest.mark.parametrize(
    ("street", "city", "postcode"), [("12 mill lnae", "leeds", "ls1 4ba"), ("12 mil lane", "leds", "ls7 9xx")]
)
def test_an_address_may_be_misspelled_in_street_and_place(model, street, city, postcode):
    anna = {name: value for name, value in ANNA.items() if name not in ("mails", "phones")}
    other = anna | {"street": street, "city": city, "postcode": postcode}
    linked = link(world(a=anna, b=other), model=model)
    (evidence,) = linked.links["evidence"].to_pylist()
    assert json.loads(evidence)["address"] > 5


def test_somebody_with_a_new_mail_address_is_still_the_same(model):
    assert customers(link(world(a=ANNA, b=ANNA | {"mails": ["ania@example.net"]}), model=model)) == sets("ab")


def test_somebody_who_moved_is_still_the_same(model):
    moved = {"street": "88 hill road", "city": "york", "postcode": "yo1 7hh"}
    assert customers(link(world(a=ANNA, b=ANNA | moved), model=model)) == sets("ab")


def test_somebody_whose_names_are_the_other_way_round_is_still_the_same(model):
    turned = {"given_name": ANNA["surname"], "surname": ANNA["given_name"]}
    assert customers(link(world(a=ANNA, b=ANNA | turned), model=model)) == sets("ab")


def test_records_that_share_a_rare_name_alone_are_one_if_nothing_speaks_against_it(model):
    """Among 3,000 records nobody else is expected to have it; of a common name there may be another bearer."""
    rare = {"given_name": "philippa", "surname": "zwartkruis"}
    assert customers(link(world(a=ANNA | rare, b=rare), model=model)) == sets("ab")
    assert customers(link(world(a=ANNA | rare, b=STRANGER | rare), model=model)) == sets("a", "b")
    common = {name: max(model.commonness[name], key=model.commonness[name].get) for name in ("given_name", "surname")}
    assert customers(link(world(a=ANNA | common, b=common), model=model)) == sets("a", "b")


def test_an_initial_is_no_rare_name(model):
    assert customers(
        link(
            world(a={"given_name": "philippa", "surname": "z"}, b={"given_name": "philippa", "surname": "z"}),
            model=model,
        )
    ) == sets("a", "b")


def test_namesakes_are_not_one(model):
    assert customers(link(world(a=ANNA, b=STRANGER | NAME), model=model)) == sets("a", "b")


def test_strangers_are_not_even_shown(model):
    linked = link(world(a=ANNA, b=STRANGER), model=model)
    assert (customers(linked), linked.links.num_rows) == (sets("a", "b"), 0)


def test_chinese_and_pinyin_of_one_person_are_one(model):
    phones = {"phones": ["+8613800138000"]}
    assert customers(link(world(a=WANG | phones | {"name_han": "王伟"}, b=WANG | phones), model=model)) == sets("ab")


def test_other_characters_of_the_same_sound_with_the_same_phone_are_told_apart_less_surely(model):
    """The same sound is weaker evidence than the same characters."""
    phones = {"phones": ["+8613800138000"], "birth_date": date(1990, 1, 1)}
    weight = {
        other: link(world(a=WANG | phones | {"name_han": "王伟"}, b=WANG | phones | {"name_han": other}), model=model)
        for other in ("王伟", "汪维")
    }
    same, sound = (
        max(w.links.filter(pc.equal(w.links["rule"], "model"))["match_weight"].to_pylist()) for w in weight.values()
    )
    assert sound < same


def test_a_link_says_which_rule_or_what_evidence(model):
    linked = link(world(a=ANNA, b=ANNA | {"phones": []}), model=model)
    rows = {row["rule"]: row for row in linked.links.to_pylist()}
    assert set(rows) == {"model", "name_and_mail"}
    row = rows["model"]
    assert (row["left_key"], row["right_key"], row["is_same_customer"]) == ("a", "b", True)
    assert row["match_probability"] == pytest.approx(1 / (1 + 2 ** -row["match_weight"]))
    assert '"mail"' in row["evidence"]


def test_a_pair_worth_a_look_is_shown_although_it_is_kept_apart(model):
    linked = link(
        world(a=at_home("anna"), b=at_home("ann-marie")),
        settings=person(link_probability=0.9999999),
        model=model,
    )
    assert customers(linked) == sets("a", "b")
    assert [row["is_same_customer"] for row in linked.links.to_pylist()] == [False]


# Decisions


@pytest.mark.parametrize("trained", [True, False])
def test_decisions_win_over_evidence_and_go_without_a_trace(model, trained):
    records, used = world(a=ANNA, b=ANNA, c=STRANGER), model if trained else None
    plain = link(records, model=used)
    assert customers(plain) == sets("ab", "c")
    assert customers(link(records, model=used, decisions=[decide("a", "<>", "b")])) == sets("a", "b", "c")
    assert customers(link(records, model=used, decisions=[decide("b", "=", "c")])) == sets("abc")
    both = [decide("a", "<>", "b"), decide("b", "=", "c")]
    assert customers(link(records, model=used, decisions=both)) == sets("a", "bc")
    again = link(records, model=used)
    assert (again.clusters, again.links) == (plain.clusters, plain.links)


def test_decisions_win_over_certain_rules_and_keys():
    order = {"keys": ["shop.order:1"]}
    records = world(a=order, b=order)
    assert customers(link(records)) == sets("ab")
    assert customers(link(records, decisions=[decide("a", "<>", "b")])) == sets("a", "b")


def test_apart_wins_over_all_that_others_have_in_common_with_both():
    records = world(**{key: {"keys": ["shop.order:1"]} for key in "abcdef"})
    found = customers(link(records, decisions=[decide("b", "<>", "c")]))
    assert not any({"b", "c"} <= keys for keys in found)
    assert any({"a", "d", "e", "f"} <= keys for keys in found)


def test_apart_holds_along_chains_of_the_same(model):
    """a, b and c look alike; b is c, so neither is a."""
    decisions = [decide("a", "<>", "b"), decide("b", "=", "c")]
    assert customers(link(world(a=ANNA, b=ANNA, c=ANNA), model=model, decisions=decisions)) == sets("a", "bc")


def test_a_chain_of_decisions_joins_its_ends(model):
    records = world(a=ANNA, b=STRANGER, c={"given_name": "x"}, d={})
    decisions = [decide("a", "=", "b"), decide("c", "=", "b"), decide("d", "=", "c")]
    assert customers(link(records, model=model, decisions=decisions)) == sets("abcd")


def test_the_newest_decision_counts():
    decisions = [decide("a", "=", "b", 1), decide("a", "<>", "b", 2)]
    assert customers(link(world(a=ANNA, b=ANNA), decisions=decisions)) == sets("a", "b")


def test_decisions_about_records_that_are_gone_do_nothing():
    decisions = [decide("a", "=", "gone"), decide("gone", "=", "b"), decide("x", "<>", "y")]
    assert customers(link(world(a=ANNA, b=STRANGER), decisions=decisions)) == sets("a", "b")


@pytest.mark.parametrize("sign", ["=", "<>"])
def test_a_decision_about_one_record_links_nothing_to_itself(sign):
    linked = link(world(a=ANNA, b=STRANGER), decisions=[decide("a", sign, "a")])
    assert (customers(linked), linked.links.num_rows) == (sets("a", "b"), 0)


# Certain rules


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("name_and_mail", NAME | {"mails": ANNA["mails"]}),
        ("name_birth_and_phone", NAME | {"birth_date": ANNA["birth_date"], "phones": ANNA["phones"]}),
    ],
)
def test_a_certain_rule_needs_no_model_and_what_it_merged_comes_apart_without_it(name, other):
    rules = load().person.rules
    linked = link(world(a=ANNA, b=other))
    assert (customers(linked), linked.links["rule"].to_pylist()) == (sets("ab"), [name])
    without = {rule: sql for rule, sql in rules.items() if rule != name}
    assert customers(link(world(a=ANNA, b=other), settings=person(rules=without))) == sets("a", "b")


def test_without_a_linked_key_among_the_settings_its_merges_come_apart():
    keys = load().person.keys
    records = world(a={"keys": ["shop.order:1"]}, b={"keys": ["shop.order:1"]})
    assert customers(link(records, settings=person(keys=keys.model_copy(update={"linked": ()})))) == sets("a", "b")


def test_the_same_name_and_mail_with_other_birth_dates_are_no_certain_rule():
    """Father and son."""
    junior = ANNA | {"birth_date": date(2010, 10, 10), "phones": []}
    assert customers(link(world(a=ANNA, b=junior))) == sets("a", "b")


# Values that many share


@pytest.mark.parametrize("name", ["mails", "phones"])
def test_up_to_its_cap_a_value_counts_and_above_it_does_not(name):
    cap = 3
    values = load().person.values
    settings = person(values=values | {name: values[name].model_copy(update={"cap": cap})})
    birth = {"birth_date": ANNA["birth_date"]}
    for count, is_shared in ((cap, False), (cap + 1, True)):
        rows = {key: NAME | birth | {name: ANNA[name]} for key in "abcdef"[:count]}
        linked = link(world(**rows), settings=settings)
        assert len(customers(linked)) == (count if is_shared else 1)
        assert [(found.finding, found.count_records) for found in linked.findings] == [
            ("shared value", count)
        ] * is_shared


def test_beside_a_shared_value_the_own_ones_still_count(model):
    """Customers of one hotline number; two records are of one of them."""
    random = np.random.default_rng(5)
    letters = list("abcdefghiklmnoprstuvwz")
    rows = {
        f"r{n}": {
            "given_name": "".join(random.choice(letters, 7)),
            "surname": "".join(random.choice(letters, 8)),
            "phones": ["+4980012345"],
        }
        for n in range(60)
    }
    rows["r60"] = ANNA | {"phones": ["+4980012345", *ANNA["phones"]]}
    rows["r61"] = NAME | {"phones": ["+4980012345", *ANNA["phones"]], "birth_date": ANNA["birth_date"]}
    found = customers(link(world(**rows), model=model))
    assert {keys for keys in found if len(keys) > 1} == {frozenset({"r60", "r61"})}


def test_a_hundred_thousand_records_with_one_phone_cost_little_and_are_told(model):
    count, number = 100_000, "+4915112345678"
    records = as_records(
        {
            "record_key": [f"r{n}" for n in range(count)],
            "given_name": [f"{n:06d}"[::-1] for n in range(count)],
            "mails": [[f"{n}@example.org"] for n in range(count)],
            "phones": [[number]] * count,
        }
    )
    began = time.process_time()
    linked = link(records, model=model)
    assert time.process_time() - began < 30
    assert (linked.counts["customers"], linked.links.num_rows) == (count, 0)
    [finding] = linked.findings
    assert (finding.finding, finding.count_records) == ("shared value", count)
    assert "phones" in finding.subject
    assert number[-9:] not in finding.subject


def test_thousands_with_one_name_and_day_of_birth_cost_little(model):
    """A placeholder that nobody has recognised: the 1st of January of a guest."""
    rows = {f"r{n}": NAME | {"birth_date": date(1970, 1, 1), "mails": [f"{n}@example.org"]} for n in range(5000)}
    linked = link(world(**rows), model=model)
    assert linked.counts["customers"] == 5000


# Caps


def crowd(count):
    """Records of nobody in particular that name one order."""
    return world(**{f"r{n:03d}": {"keys": ["shop.order:1"]} for n in range(count)})


def test_a_customer_of_too_many_records_is_kept_apart_and_told():
    settings = person(cluster_cap=5)
    assert customers(link(crowd(5), settings=settings)) == {frozenset(f"r{n:03d}" for n in range(5))}
    linked = link(crowd(6), settings=settings)
    assert linked.counts["customers"] == 6
    assert [(found.finding, found.subject, found.count_records) for found in linked.findings] == [
        ("suspicious cluster", "r000", 6)
    ]


def test_what_people_decided_holds_in_a_customer_of_too_many_records():
    linked = link(crowd(6), settings=person(cluster_cap=5), decisions=[decide("r001", "=", "r004")])
    assert {keys for keys in customers(linked) if len(keys) > 1} == {frozenset({"r001", "r004"})}


def test_too_large_a_component_is_kept_apart_and_told():
    settings = person(cluster_cap=1000).model_copy(update={"component_cap": 20})
    assert link(crowd(20), settings=settings).counts["customers"] == 1
    linked = link(crowd(21), settings=settings, decisions=[decide("r001", "=", "r004")])
    assert linked.counts["customers"] == 20
    assert [(found.finding, found.subject, found.count_records) for found in linked.findings] == [
        ("suspicious cluster", "r000", 21)
    ]


def test_other_customers_are_linked_as_ever_beside_a_suspicious_one(model):
    crowded = {f"r{n}": {"keys": ["shop.order:1"]} for n in range(6)}
    linked = link(world(**crowded, a=ANNA, b=ANNA), settings=person(cluster_cap=5), model=model)
    assert {keys for keys in customers(linked) if len(keys) > 1} == sets("ab")


# Odd input


@pytest.mark.parametrize("trained", [True, False])
def test_no_records(model, trained):
    linked = link(table_of([]), model=model if trained else None)
    assert (linked.clusters.num_rows, linked.links.num_rows, linked.findings) == (0, 0, [])


def test_one_record(model):
    assert cluster_of(link(world(a=ANNA), model=model)) == {"a": "a"}


def test_records_that_tell_nothing_are_customers_of_their_own(model):
    nothing = dict.fromkeys(TEXTS) | {name: [] for name in LISTS}
    assert customers(link(world(a=nothing, b=nothing, c=ANNA), model=model)) == sets("a", "b", "c")


@pytest.mark.parametrize(
    "name", ["x", "李", "🦊", "👩‍👧", "محمد", "שרה", "o'neil", "a; drop table records", "%", "\\", "é" * 3000]
)
def test_any_name_is_the_same_as_itself_and_no_other(model, name):
    odd = ANNA | {"given_name": name}
    records = world(a=odd, b=odd, c=STRANGER | {"given_name": name})
    assert customers(link(records, model=model)) == sets("ab", "c")


def test_any_record_key_is_kept(model):
    keys = ["shop.accounts:'; --", 'web.logins:"x"', "社交.handles:王:1", " "]
    linked = link(table_of([{"record_key": key, **ANNA} for key in keys]), model=model)
    assert set(cluster_of(linked)) == set(keys)
    assert len(customers(linked)) == 1


def test_the_links_have_the_same_types_with_and_without_a_model(model):
    assert link(world(a=ANNA, b=ANNA), model=model).links.schema == link(world(a=ANNA, b=ANNA)).links.schema
