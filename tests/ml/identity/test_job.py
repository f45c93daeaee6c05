"""The nightly job on real PostgreSQL: linking what changed gives the rows that linking everything gives; ids last."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from itertools import permutations

import numpy as np
import pytest

from bench.identity_hard import hard_set
from ml.identity.settings import Value, load
from ml.identity.store import DecisionError, read_decisions
from tests.ml.identity.worlds import ANNA, STRANGER, decide

FIRST = date(2026, 1, 1)
FIELDS = ("given_name", "surname", "birth_date", "street", "city", "postcode", "company", "mails", "phones")
MAILS = ("info@example.org", "office@example.net")
PHONES = ("+441134960000", "+441134961111", "+441134962222")
# Type, share of the records that have one, how many there are: own, linked, one that everybody has, and an unknown type.
KEYS = (("shop.account", 0.4, 150), ("social.handle", 0.1, 4), ("shop.order", 0.15, 60), ("shop.order", 0.04, 1), ("web.visit", 0.1, 3))


def on(number):
    return FIRST + timedelta(days=number)


def tiny(**person):
    """The shipped settings with caps so small that things are crowded one night and not the next."""
    shipped = load()
    changes = {
        "keys": shipped.person.keys.model_copy(update={"cap": 5}),
        "values": {"mails": Value(cap=4), "phones": Value(cap=4)},
        "cluster_cap": 5,
    }
    caps = {"block_cap": 6, "component_cap": 8, "person": shipped.person.model_copy(update=changes | person)}
    return shipped.model_copy(update=caps)


def without_rule(settings, name):
    rules = {rule: sql for rule, sql in settings.person.rules.items() if rule != name}
    return settings.model_copy(update={"person": settings.person.model_copy(update={"rules": rules})})


class History:
    """Records and decisions that change from night to night, the same for the same seed."""

    def __init__(self, seed, size=150):
        self.random = np.random.default_rng(seed)
        self.unseen = [self.dress(row) for row in hard_set(2 * size, seed=7).records.to_pylist()]
        self.records = {}
        self.decisions = []
        self.add(size)

    def dress(self, row):
        """A record with a time it was known at and, of some, keys and values that others have too."""
        row = row | {"known_at": self.some_time(), "keys": self.some_keys()}
        for name, shared in (("mails", MAILS), ("phones", PHONES)):
            if self.random.random() < 0.04:
                row[name] = sorted({*row[name], str(self.random.choice(shared))})
        return row

    def some_time(self):
        day = datetime(2025, 1, 1, tzinfo=timezone.utc) + timedelta(days=int(self.random.integers(300)))
        return None if self.random.random() < 0.1 else day

    def some_keys(self):
        held = [f"{rule}:{self.random.integers(n)}" for rule, share, n in KEYS if self.random.random() < share]
        return sorted(set(held))

    def some(self, count):
        return self.random.choice(sorted(self.records), min(count, len(self.records)), replace=False).tolist()

    def add(self, count):
        for _ in range(count):
            row = self.unseen.pop(int(self.random.integers(len(self.unseen))))
            self.records[row["record_key"]] = row

    def remove(self, count):
        for key in self.some(count):
            self.unseen.append(self.records.pop(key))

    def change(self, count):
        for key in self.some(count):
            name = str(self.random.choice(FIELDS))
            changes = (
                {"keys": self.some_keys()},
                {"phones": sorted({*self.records[key]["phones"][:1], str(self.random.choice(PHONES))})},
                {"mails": [str(self.random.choice(MAILS))]},
                {"known_at": self.some_time()},
                {name: self.records[self.some(1)[0]].get(name)},
                {name: self.records[self.some(1)[0]].get(name)},
            )
            self.records[key] = self.records[key] | changes[self.random.integers(len(changes))]

    def judge(self, count):
        self.decisions = [decision for decision in self.decisions if self.random.random() > 0.15]
        for _ in range(count):
            left, right = self.some(2)
            made = decide(left, str(self.random.choice(["=", "<>"])), right)
            taken = {frozenset((d.left_key, d.right_key)) for d in self.decisions}
            self.decisions += [made] if frozenset((left, right)) not in taken else []

    def go_on(self):
        """The changes of a day."""
        added, removed, changed = self.random.integers(0, 9, 3)
        self.add(added)
        self.remove(removed)
        self.change(2 * changed)
        self.judge(int(self.random.integers(0, 4)))


def nights(warehouse, kind="person"):
    query = f"select as_of_date, is_full, counts from identity.nights where kind = '{kind}' order by 1"
    return {day: (is_full, counts) for day, is_full, counts in warehouse.rows(query)}


def written(warehouse):
    """When each row of the graph was last written."""
    query = " union all ".join(
        f"select '{name}', cast(t as text), cast(xmin as text) from identity.{name} as t"
        for name in ("records", "links", "assignments", "merge_log")
    )
    return sorted(warehouse.rows(query))


def replayed(warehouse, day):
    """The customers there are on a day as the log tells it."""
    living = set()
    log = "select event, customer_id, other_customer_id from identity.merge_log"
    for number in range((day - FIRST).days + 1):
        for event, customer, other in warehouse.rows(f"{log} where as_of_date = '{on(number)}'"):
            living |= {customer} if event == "created" else {other} if event == "split" else set()
            living -= {customer} if event in ("merged", "vanished") else set()
    return living


def partition(customers):
    """Which records are one, whatever they are called."""
    members = defaultdict(set)
    for record, customer in customers.items():
        members[customer].add(record)
    return {frozenset(keys) for keys in members.values()}


def run(warehouse, number, records, settings, *decisions, is_full=False):
    """Run a night and give the customers that it knows."""
    warehouse.hold(records)
    warehouse.decide(*decisions)
    warehouse.night(on(number), settings, is_full=is_full)
    return warehouse.customers(on(number))


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_linking_what_changed_gives_the_rows_that_linking_everything_gives(make_warehouse, model, seed):
    settings, later = tiny(), without_rule(tiny(), "name_and_mail")
    by_change, anew = make_warehouse(), make_warehouse()
    for warehouse in (by_change, anew):
        for known in (settings, later):
            warehouse.know(model, known)
    history, known, crowded = History(seed), {}, []
    for number in range(8):
        use = settings if number < 5 else later
        known[number] = run(by_change, number, history.records, use, *history.decisions)
        assert run(anew, number, history.records, use, *history.decisions, is_full=True) == known[number]
        assert by_change.graph() == anew.graph()
        assert replayed(by_change, on(number)) == set(known[number].values())
        crowded.append(set(by_change.rows("select split_part(name, ' ', 1), block from identity.crowded")))
        history.go_on()
    told = nights(by_change)
    assert [number for number in range(8) if told[on(number)][0]] == [0, 5]
    assert all(counts["compared_records"] < counts["records"] for is_full, counts in told.values() if not is_full)
    assert all(by_change.customers(on(number)) == customers for number, customers in known.items())
    within = [*zip(crowded[:4], crowded[1:5], strict=True), *zip(crowded[5:7], crowded[6:], strict=True)]
    for turns in ([after - before for before, after in within], [before - after for before, after in within]):
        assert {name for turn in turns for name, _ in turn} == {"key", "value", "block"}
    assert by_change.rows("select from identity.findings where finding = 'suspicious cluster'")


def test_companies_too(make_warehouse, company_model):
    settings = tiny()
    by_change, anew = make_warehouse(), make_warehouse()
    random = np.random.default_rng(5)
    rows = {f"c:{n}": company(random, n // 2) for n in range(80)}
    for number in range(4):
        for warehouse, is_full in ((by_change, False), (anew, True)):
            if not number:
                warehouse.know(company_model, settings, "company")
            warehouse.hold(rows, "company")
            warehouse.night(on(number), settings, is_full=is_full)
        assert by_change.graph() == anew.graph()
        for key in random.choice(sorted(rows), 6, replace=False).tolist():
            rows[key] = company(random, int(random.integers(40)))
        rows.pop(str(random.choice(sorted(rows))))
    assert [is_full for is_full, _ in nights(by_change, "company").values()] == [True, False, False, False]


def company(random, number):
    """A company of which not all is told, and that shares a switchboard."""
    row = {
        "company": f"{'abdegiklmnop'[number % 12] * 3}{number * 7919 % 97} works", "registration": f"{number * 104_729:08d}",
        "websites": [f"works{number}.example"], "phones": [f"+49305{number % 5:06d}"], "company_city": f"town {number % 7}",
    }  # fmt: skip
    return {name: value for name, value in row.items() if name == "company" or random.random() < 0.7}


def test_a_night_on_which_nothing_changed_writes_nothing(warehouse, model):
    settings, history = tiny(), History(4, size=60)
    warehouse.know(model, settings)
    history.judge(5)
    first = run(warehouse, 0, history.records, settings, *history.decisions)
    before, graph = written(warehouse), warehouse.graph()
    assert run(warehouse, 1, history.records, settings, *history.decisions) == first
    assert written(warehouse) == before
    assert warehouse.graph() == graph
    is_full, counts = nights(warehouse)[on(1)]
    assert not is_full
    assert [counts[f"{name}_records"] for name in ("compared", "changed", "gone")] == [0, 0, 0]


def test_a_night_run_again_gives_the_same_rows(warehouse, model):
    settings, history = tiny(), History(5, size=60)
    warehouse.know(model, settings)
    for number in range(2):
        run(warehouse, number, history.records, settings, *history.decisions)
        history.go_on()
    run(warehouse, 2, history.records, settings, *history.decisions)
    once = warehouse.graph()
    run(warehouse, 2, history.records, settings, *history.decisions)
    assert warehouse.graph() == once


def test_a_night_run_again_on_other_records_forgets_what_it_said_before(warehouse):
    a, b = {"keys": ["shop.account:1"]}, {"keys": ["shop.account:2"]}
    first = run(warehouse, 0, {"a": a, "b": b}, load())
    assert len(set(run(warehouse, 1, {"a": a, "b": a, "c": b}, load()).values())) == 2
    assert run(warehouse, 1, {"a": a, "b": b}, load()) == first
    assert warehouse.rows("select * from identity.merge_log where as_of_date = '2026-01-02'") == []
    assert len(warehouse.rows("select * from identity.assignments")) == 2


def by_keys(text):
    """Records by hand, one customer a word: by_keys("ab c")."""
    return {key: {"keys": [f"shop.account:{word}"], "known_at": f"2025-01-01 {10 + ord(key) - 97}:00Z"} for word in text.split() for key in word}


def test_a_night_of_the_past_changes_no_other_night(warehouse):
    one = run(warehouse, 1, by_keys("ab c"), load())
    five = run(warehouse, 5, by_keys("abc d"), load())
    three = run(warehouse, 3, by_keys("a b c"), load())
    assert [partition(known) for known in (one, three, five)] == [
        partition(dict(groups)) for groups in (zip("abc", "aac", strict=True), zip("abc", "abc", strict=True), zip("abcd", "aaad", strict=True))
    ]
    assert [warehouse.customers(on(n)) for n in range(7)] == [{}, one, one, three, three, five, five]
    assert three["a"] == one["a"]
    assert three["c"] == one["c"]


def test_in_whatever_order_nights_are_run_each_knows_its_customers(make_warehouse):
    days = {1: "ab c d", 2: "a bcd", 3: "abd c", 4: "abcd e"}
    found = []
    for order in list(permutations(days))[::5]:
        warehouse = make_warehouse()
        for number in order:
            run(warehouse, number, by_keys(days[number]), load())
        found.append([warehouse.customers(on(number)) for number in range(6)])
    assert all([partition(known) for known in other] == [partition(known) for known in found[0]] for other in found)
    assert [len(set(known.values())) for known in found[0]] == [0, 3, 2, 2, 2, 2]


def test_after_a_night_of_the_past_the_newest_is_linked_anew_and_then_goes_on(make_warehouse, model):
    settings, history = tiny(), History(6, size=60)
    warehouse, anew = make_warehouse(), make_warehouse()
    past = dict(history.records)
    for each in (warehouse, anew):
        each.know(model, settings)
    for number in (0, 4, 2, 5, 6):
        records = past if number == 2 else history.records
        for each, is_full in ((warehouse, False), (anew, True)):
            run(each, number, records, settings, is_full=is_full)
        history.go_on()
        assert warehouse.graph() == anew.graph()
    assert [is_full for is_full, _ in nights(warehouse).values()] == [True, True, False, True, False]


def test_the_log_tells_a_merge_and_its_undoing_by_decision(warehouse, model):
    """The decisions change what was linked by the model; nothing else is looked at."""
    settings = tiny()
    warehouse.know(model, settings)
    world = {"a": ANNA, "b": ANNA, "c": STRANGER, "d": ANNA | {"given_name": "maria", "birth_date": date(1950, 2, 2), "mails": []}}
    first = run(warehouse, 0, world, settings)
    assert partition(first) == {frozenset("ab"), frozenset("c"), frozenset("d")}
    parted = run(warehouse, 1, world, settings, decide("a", "<>", "b"))
    assert partition(parted) == {frozenset(key) for key in "abcd"}
    assert parted["a"] == first["a"]
    joined = run(warehouse, 2, world, settings, decide("a", "=", "c"))
    assert partition(joined) == {frozenset("abc"), frozenset("d")}
    assert run(warehouse, 3, world, settings) == first
    assert [is_full for is_full, _ in nights(warehouse).values()] == [True, False, False, False]
    log = "select as_of_date, event, customer_id, other_customer_id, count_records from identity.merge_log order by all"
    events = warehouse.rows(log.replace("order by all", "where as_of_date > '2026-01-01' order by 1, 2, 3"))
    others = sorted([(parted["b"], joined["a"], 1), (first["c"], joined["a"], 1)])
    assert events[:1] == [(on(1), "split", first["a"], parted["b"], 1)]
    assert [(e[1], *e[2:]) for e in events[1:3]] == [("merged", *other) for other in others]
