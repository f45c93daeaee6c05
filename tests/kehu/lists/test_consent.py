"""Every list that is shipped respects every way of withdrawing consent, on each of its channels."""

from __future__ import annotations

import pytest

from kehu.lists.registry import load
from kehu.paths import PROJECT
from tests.kehu.lists.worlds import TEXTS, World, customer

LISTS = {one.id: one for one in load(PROJECT / "dbt_project" / "lists.yml") if one.status == "active"}


@pytest.fixture
def world(url):
    return World(url)


def asked_of_the_world(one):
    """The list's own consent, purpose and channels, asked of anybody."""
    told = one.model_dump(exclude={"valid_days", "budget"}) | TEXTS
    return told | {
        "model": "lst_customers", "rule": "true", "occasion": "occasion", "since": "since", "until": "until",
        "gain": "score",
    }  # fmt: skip


def who_may(world, one, consents):
    """The customers on the list, and by what way."""
    names = sorted({name for name, *_ in consents} | {"silent"})
    world.fill(customers=[customer(name, ways=one.channels) for name in names], consents=consents)
    told = world.keep(asked_of_the_world(one))
    assert {status for *_, status, _ in told} <= {"member", "no_consent"}
    return {who: channel for _, who, _, status, channel in told if status == "member"}


@pytest.mark.parametrize("name", LISTS)
def test_whoever_withdrew_is_on_no_list(world, name):
    one = LISTS[name]
    ways = {
        "all": [(way, [], [one.purpose]) for way in one.channels],
        "unknown": [(way, [one.purpose], ["unknown"]) for way in one.channels],
        "after_all": [(way, [one.purpose], [one.purpose]) for way in one.channels],
    }
    consents = [(who, *row) for who, rows in ways.items() for row in rows]
    # Who said nothing is asked by lists that need no consent, and by no other.
    assert who_may(world, one, consents) == ({"silent": one.channels[0]} if one.consent == "opt_out" else {})


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, one in LISTS.items() for way in one.channels])
def test_a_way_that_was_withdrawn_is_not_used(world, name, way):
    one = LISTS[name]
    rows = [("a", other, [one.purpose], [one.purpose] if other == way else []) for other in one.channels]
    others = [other for other in one.channels if other != way]
    assert who_may(world, one, rows).get("a") == (others[0] if others else None)
