"""The sets of `questions` against the same rules followed customer by customer, on worlds that hypothesis makes up."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.kehu.lists.worlds import DAY, World, customer, one_list

WAYS = ("phone", "mail")
NAMES = "abcdef"
# Most customers can be reached and few said no, so that places and caps are what most worlds are short of.
REACHED = st.sampled_from([{"phone", "mail"}, {"phone", "mail"}, {"phone"}, {"mail"}, set()])
PEOPLE = st.fixed_dictionaries(
    {name: st.tuples(st.sampled_from([10, 20, 20, 20, 30]), REACHED, st.booleans()) for name in NAMES}
)
CONSENTS = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(WAYS)),
    st.tuples(st.sets(st.sampled_from(["sales", "service"])), st.sets(st.sampled_from(["sales", "unknown"]))),
    max_size=4,
)
CONTACTS = st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from([*WAYS, "visit"]), st.integers(0, 4)), max_size=6)
CAP = st.fixed_dictionaries({"contacts": st.integers(0, 3), "days": st.integers(1, 4)})
CAPS = st.one_of(
    st.just({}), st.fixed_dictionaries({"any": CAP}), st.fixed_dictionaries({"phone": CAP, "mail": CAP, "any": CAP})
)
LISTS = st.lists(
    st.fixed_dictionaries(
        {
            "channels": st.sampled_from([["phone"], ["phone", "mail"], ["mail", "phone"]]),
            "consent": st.sampled_from(["opt_in", "opt_out", "opt_out", "opt_out"]),
            "is_capped": st.sampled_from([True, True, False]),
            "budget": st.one_of(
                st.none(), st.fixed_dictionaries({"amount": st.sampled_from([15, 20, 30]), "per": st.just("night")})
            ),
        }
    ),
    min_size=2,
    max_size=3,
)


def is_allowed(how, consent):
    given_for, withdrawn_from = consent if consent else (set(), set())
    if withdrawn_from & {"sales", "unknown"}:
        return False
    return how == "opt_out" or "sales" in given_for


def followed(people, consents, contacts, caps, lists):
    """list, customer → status and way, one after the other in the order of priority."""
    used = Counter()
    for channel, cap in caps.items():
        days = {(who, way, ago) for who, way, ago in contacts if ago < cap["days"] and channel in (way, "any")}
        used.update((who, channel) for who, _, _ in days)
    told = {}
    for one in lists:
        rows = [(name, *person) for name, person in people.items() if not one["budget"] or person[0] > 10]
        chosen = []
        for name, _, ways, is_holdout in sorted(rows, key=lambda row: (-row[1], row[0])):
            reaching = [way for way in one["channels"] if way in ways]
            allowed = [way for way in reaching if is_allowed(one["consent"], consents.get((name, way)))]
            free = [
                way
                for way in allowed
                if not one["is_capped"]
                or all(used[name, key] < caps[key]["contacts"] for key in (way, "any") if key in caps)
            ]
            if free:
                chosen.append((name, free[0], is_holdout))
                continue
            told[one["id"], name] = (
                "contact_cap" if allowed else "no_consent" if reaching else "unreachable",
                None,
            )
        places = int(one["budget"]["amount"] // 10) if one["budget"] else len(chosen)
        for name, way, is_holdout in chosen:
            if places < 1:
                told[one["id"], name] = ("over_budget", None)
                continue
            places -= 0 if is_holdout else bool(one["budget"])
            told[one["id"], name] = ("holdout" if is_holdout else "member", way)
            used.update([(name, way), (name, "any")])
    return told


@pytest.fixture(scope="module")
def world(server_url):
    from tests.dbt_project.warehouse import Warehouse

    return World(Warehouse(server_url).url)


# Without shrinking: a failure takes seconds then too.
@settings(max_examples=50, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(PEOPLE, CONSENTS, CONTACTS, CAPS, LISTS, st.randoms(use_true_random=False))
def test_a_night_is_what_following_each_customer_gives(world, people, consents, contacts, caps, lists, dice):
    named = [
        one_list(f"l{number}", number + 1, **fields, cost=10 if fields["budget"] else 0)
        for number, fields in enumerate(lists)
    ]
    customers = [customer(name, *rest) for name, rest in people.items()]
    dice.shuffle(customers)
    world.forget()
    world.fill(
        customers=customers,
        consents=[(*key, list(given_for), list(withdrawn)) for key, (given_for, withdrawn) in consents.items()],
        contacts=[(who, way, DAY - timedelta(days=ago)) for who, way, ago in contacts],
    )
    rows = world.keep(*dice.sample(named, len(named)), caps=caps)
    told = {(name, who): (status, way) for name, who, _, status, way in rows}
    assert told == followed(people, consents, contacts, caps, named)
