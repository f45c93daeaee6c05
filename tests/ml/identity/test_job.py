"""The nightly job on real PostgreSQL: linking what changed gives the rows that linking everything gives; ids last."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import numpy as np
import pytest

from bench.identity_hard import hard_set
from ml.identity.settings import Value, load
from ml.identity.store import DecisionError, read_decisions
from tests.ml.identity.conftest import History
from tests.ml.identity.worlds import ANNA, STRANGER, decide, sets

FIRST = date(2026, 1, 1)


def on(number):
    return FIRST + timedelta(days=number)


def tiny(**person):
    """The shipped settings with caps so small that things are crowded one night and not the next."""
    shipped = load()
    changes = {
        "keys": shipped.person.keys.model_copy(update={"cap": 5}),
        "values": {"mails": Value(cap=4), "phones": Value(cap=4)},
        "cluster_cap": 3,
    }
    caps = {"block_cap": 3, "component_cap": 8, "person": shipped.person.model_copy(update=changes | person)}
    return shipped.model_copy(update=caps)


def without_rule(settings, name):
    rules = {rule: sql for rule, sql in settings.person.rules.items() if rule != name}
    return settings.model_copy(update={"person": settings.person.model_copy(update={"rules": rules})})


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


@pytest.mark.parametrize("seed", [1, 3])
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
        ours, whole = by_change.graph(), anew.graph()
        assert {name: (set(ours[name]) ^ set(whole[name])) for name in whole if ours[name] != whole[name]} == {}
        assert replayed(by_change, on(number)) == set(known[number].values())
        crowded.append(set(by_change.rows("select split_part(name, ' ', 1), block from identity.crowded")))
        history.go_on()
    told = nights(by_change)
    assert [number for number in range(8) if told[on(number)][0]] == [0, 5]
    assert all(counts["compared_records"] < counts["records"] for is_full, counts in told.values() if not is_full)
    assert all(by_change.customers(on(number)) == customers for number, customers in known.items())
    within = [*zip(crowded[:4], crowded[1:5], strict=True), *zip(crowded[5:7], crowded[6:], strict=True)]
    turned = {name for before, after in within for name, _ in before ^ after}
    assert turned == {"key", "value", "block"}, "nothing that is shared became crowded or ceased to be"
    assert by_change.rows("select from identity.findings where finding = 'suspicious cluster'")


def test_companies_too(make_warehouse, company_model):
    settings = tiny()
    by_change, anew = make_warehouse(), make_warehouse()
    random = np.random.default_rng(5)
    rows, decisions = {f"c:{n}": company(random, n // 2) for n in range(80)}, []
    for number in range(5):
        for warehouse, is_full in ((by_change, False), (anew, True)):
            if not number:
                warehouse.know(company_model, settings, "company")
            warehouse.hold(rows, "company")
            warehouse.decide(*decisions)
            warehouse.night(on(number), settings, is_full=is_full)
        assert by_change.graph() == anew.graph()
        for key in random.choice(sorted(rows), 6, replace=False).tolist():
            rows[key] = company(random, int(random.integers(40)))
        rows.pop(str(random.choice(sorted(rows))))
        rows |= {f"c:{number}{n}": company(random, int(random.integers(50))) for n in range(100, 104)}
        pairs = random.choice(sorted(rows), (2, 2), replace=False).tolist()
        decisions = decisions[1:] + [
            replace(decide(a, sign, b), kind="company") for sign, (a, b) in zip(("=", "<>"), pairs, strict=True)
        ]
    assert [is_full for is_full, _ in nights(by_change, "company").values()] == [True, False, False, False, False]


def company(random, number):
    """A company of which not all is told, and that shares a switchboard; each third one shares its name as well."""
    row = {
        "company": f"{'abdegiklmnop'[number % 12] * 3}{number * 7919 % 97} works", "company_city": f"town {number % 7}",
        "registration": f"{number * 104_729:08d}", "phones": [f"+49305{number % 5:06d}"],
        "domains": [f"works{number}.example"],
    }  # fmt: skip
    if number % 3 == 0:
        brand, trade = ("云腾", "恒飞")[number % 2], ("", "", "食品", "商贸")[random.integers(4)]
        row |= {"company": brand + trade, "company_city": "xian"}
    return {name: value for name, value in row.items() if name == "company" or random.random() < 0.7}


def test_a_night_leaves_the_rows_of_records_alone_that_look_as_before(warehouse, model):
    settings, history = tiny(), History(4, size=60)
    warehouse.know(model, settings)
    run(warehouse, 0, history.records, settings)
    query = "select cast(r as text), record_key, component, cast(xmin as text) from identity.records as r"
    before = {text: rest for text, *rest in warehouse.rows(query)}
    components = [component for _, component, _ in before.values()]
    changed = next(key for key, component, _ in before.values() if components.count(component) > 2)
    run(warehouse, 1, history.records | {changed: history.records[changed] | {"country": "Norway"}}, settings)
    after = {text: rest for text, *rest in warehouse.rows(query)}
    _, counts = nights(warehouse)[on(1)]
    assert counts["units"] > 1
    assert set(before) - set(after) == {text for text, (key, *_) in before.items() if key == changed}
    assert all(before[text] == rest for text, rest in after.items() if text in before)


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


def by_keys(text):
    """Records by hand, one customer a word: by_keys("ab c")."""
    return {
        key: {"keys": [f"shop.account:{word}"], "known_at": f"2025-01-01 {10 + ord(key) - 97}:00Z"}
        for word in text.split()
        for key in word
    }


def test_a_night_of_the_past_changes_no_other_night(warehouse):
    one = run(warehouse, 1, by_keys("ab c"), load())
    five = run(warehouse, 5, by_keys("abc d"), load())
    three = run(warehouse, 3, by_keys("a b c"), load())
    assert [partition(known) for known in (one, three, five)] == [
        partition(dict(groups))
        for groups in (zip("abc", "aac", strict=True), zip("abc", "abc", strict=True), zip("abcd", "aaad", strict=True))
    ]
    assert [warehouse.customers(on(n)) for n in range(7)] == [{}, one, one, three, three, five, five]
    assert three["a"] == one["a"]
    assert three["c"] == one["c"]


def test_in_whatever_order_nights_are_run_each_knows_its_customers(make_warehouse):
    days = {1: "ab c d", 2: "a bcd", 3: "abd c", 4: "abcd e"}
    found = []
    for order in list(permutations(days))[::7]:
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


def test_decisions_join_and_part_as_long_as_they_stand(warehouse, model):
    settings = tiny()
    warehouse.know(model, settings)
    maria = ANNA | {"given_name": "maria", "birth_date": date(1950, 2, 2), "mails": []}
    world = {"a": ANNA, "b": ANNA, "c": STRANGER, "d": maria}
    first = run(warehouse, 0, world, settings)
    assert partition(first) == sets("ab", "c", "d")
    parted = run(warehouse, 1, world, settings, decide("a", "<>", "b"))
    assert partition(parted) == sets("a", "b", "c", "d")
    assert run(warehouse, 2, world, settings) == first
    joined = run(warehouse, 3, world, settings, decide("a", "=", "c"))
    assert partition(joined) == sets("abc", "d")
    assert run(warehouse, 4, world, settings) == first
    assert [is_full for is_full, _ in nights(warehouse).values()] == [True, False, False, False, False]
    log = "select event, customer_id, other_customer_id from identity.merge_log where as_of_date = '2026-01-02'"
    assert warehouse.rows(log) == [("split", first["a"], parted["b"])]


def test_a_decision_that_parts_two_is_shown_while_one_of_them_changes(warehouse, model):
    settings, parted = tiny(), decide("a", "<>", "c")
    warehouse.know(model, settings)
    links = "select left_key, right_key from identity.links where rule = 'decision'"
    for number, changed in enumerate(({}, {"city": "york"}, {"city": "hull"})):
        run(warehouse, number, {"a": ANNA | changed, "c": STRANGER}, settings, parted)
        assert warehouse.rows(links) == [("a", "c")]


def test_decisions_across_customers_of_whom_one_changes(make_warehouse, model):
    """The account is torn because one of its records is somebody else, who is kept from another of its records."""
    settings, decisions = tiny(), (decide("c", "=", "x"), decide("a", "<>", "x"))
    account = {"keys": ["shop.account:1"]}
    world = {"a": ANNA | account, "b": account, "c": STRANGER | account, "x": {"city": "bath"}, "z": STRANGER}
    by_change, anew = make_warehouse(), make_warehouse()
    for number, city in enumerate(("leeds", "york")):
        world["a"] = world["a"] | {"city": city}
        for warehouse, is_full in ((by_change, False), (anew, True)):
            if not number:
                warehouse.know(model, settings)
            known = run(warehouse, number, world, settings, *decisions, is_full=is_full)
            assert partition(known) == sets("ab", "cxz")
        assert by_change.graph() == anew.graph()


@pytest.mark.parametrize("sign", ["=", "<>"])
def test_a_decision_that_is_contradicted_twice_is_told_once(warehouse, sign):
    newer = {"=": "<>", "<>": "="}[sign]
    decisions = [decide("a", sign, "b", 1), decide("a", sign, "b", 2), decide("a", newer, "b", 3)]
    known = run(warehouse, 9, by_keys("a b"), load(), *decisions)
    assert partition(known) == (sets("ab") if newer == "=" else sets("a", "b"))
    findings = "select subject, count_records from identity.findings where finding = 'decision' and kind = 'person'"
    assert warehouse.rows(findings) == [(f"a {sign} b", 2)]


def test_a_decision_about_a_record_that_is_not_there_is_told_until_it_comes(make_warehouse, model):
    findings, decision = "select subject, count_records from identity.findings", decide("a", "<>", "c")
    for is_full in (False, True):
        warehouse = make_warehouse()
        warehouse.know(model, load())
        told = []
        for number, known in enumerate(("a b", "a b", "ac b", "a b"), 1):
            run(warehouse, number, by_keys(known), load(), decision, is_full=is_full)
            told.append(warehouse.rows(findings))
        absent = [("a <> absent 1", 1)]  # the key itself may be anything
        assert told == [absent, absent, [], absent]


def test_no_decision_shows_a_key_that_no_record_has(warehouse):
    """Not even a decision that another one sets aside; the two are told apart."""
    decisions = [decide("a", "=", "mail", 1), decide("a", "<>", "mail", 2), decide("a", "=", "none", 2)]
    run(warehouse, 9, by_keys("a b"), load(), *decisions)
    told = warehouse.rows("select subject from identity.findings where kind = 'person' order by 1")
    assert told == [("a <> absent 1",), ("a = absent 1",), ("a = absent 2",)]


def test_decisions_of_later_days_do_not_count_yet(warehouse):
    decision = decide("a", "=", "b", 3)
    found = [run(warehouse, number, by_keys("a b"), load(), decision) for number in (1, 2)]
    assert [partition(known) for known in found] == [sets("a", "b"), sets("ab")]


def test_a_rule_that_is_removed_leaves_nothing_behind(warehouse):
    settings, world = load(), {"a": ANNA, "b": ANNA, "c": STRANGER}
    first = run(warehouse, 0, world, settings)
    assert partition(first) == sets("ab", "c")
    without = run(warehouse, 1, world, without_rule(settings, "name_and_mail"))
    assert warehouse.rows("select rule from identity.links") == [("name_birth_and_phone",)]
    assert partition(without) == sets("ab", "c")
    bare = without_rule(without_rule(settings, "name_and_mail"), "name_birth_and_phone")
    assert partition(run(warehouse, 2, world, bare)) == sets("a", "b", "c")
    assert warehouse.rows("select * from identity.links") == []
    assert run(warehouse, 3, world, settings) == first


def test_the_older_customer_lives_on_and_the_other_is_its_alias(warehouse):
    first = run(warehouse, 0, by_keys("bc"), load())
    second = run(warehouse, 1, by_keys("bc ad"), load())
    merged = run(warehouse, 2, by_keys("abcd"), load())
    assert set(merged.values()) == {first["b"]}
    log = "select customer_id, other_customer_id, count_records from identity.merge_log where event = 'merged'"
    assert warehouse.rows(log) == [(second["a"], first["b"], 2)]


def test_the_larger_part_keeps_the_id_and_one_that_comes_back_has_its_own(warehouse):
    first = run(warehouse, 0, by_keys("abc d"), load())
    merged = run(warehouse, 1, by_keys("abcd"), load())
    assert set(merged.values()) == {first["a"]} or set(merged.values()) == {first["d"]}
    split = run(warehouse, 2, by_keys("a bcd"), load())
    assert split["b"] == split["c"] == split["d"] == merged["b"]
    assert split["a"] not in (first["d"], split["b"])
    assert set(run(warehouse, 3, by_keys("bcd"), load()).values()) == {split["b"]}
    assert run(warehouse, 4, by_keys("a bcd"), load()) == split
    events = warehouse.rows("select event from identity.merge_log where as_of_date > '2026-01-03' order by as_of_date")
    assert events == [("vanished",), ("created",)]


def test_once_the_records_have_doubled_a_model_is_trained_anew(warehouse, model):
    settings = load()
    records = {row["record_key"]: row for row in hard_set(320).records.to_pylist()}
    warehouse.know(model, settings, size=70)
    run(warehouse, 0, dict(list(records.items())[:150]), settings)
    linked_by = "select model_version from identity.nights where kind = 'person' order by as_of_date desc limit 1"
    sizes = f"select count_records from identity.models where model_version = ({linked_by})"
    assert warehouse.rows(sizes) == [(150,)]
    run(warehouse, 0, records, settings)
    assert warehouse.rows(sizes) == [(320,)]
    run(warehouse, 1, records, settings)
    assert not nights(warehouse)[on(1)][0]


HEADER = "left_key,right_key,is_same,decided_on,note"


def read(url, folder, content):
    file = folder / "decisions.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_decisions(url, date(2026, 1, 9), file)


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\na,b,true,2026-01-01,why\nc,d,no,2026-01-02,\n",
        f"\ufeff{HEADER}\r\na,b,YES,2026-01-01,why\r\nc,d,0,2026-01-02,\r\n",
        f'{HEADER}\n\n a , b ,1,2026-01-01,"two\nlines"\n\nc,d,False,2026-01-02\ne,f,yes,2026-01-10,not yet',
        "decided_on,note,is_same,right_key,left_key\n2026-01-01,,true,b,a\n2026-01-02,王,false,d,c\n",
    ],
)
def test_decisions_are_read_from_a_file(template, tmp_path, content):
    assert read(template.url, tmp_path, content) == [decide("a", "=", "b", 1), decide("c", "<>", "d", 2)]


def test_decisions_of_the_warehouse_and_of_a_file_count_both(warehouse, tmp_path):
    warehouse.decide(decide("c", "<>", "d", 2))
    found = read(warehouse.url, tmp_path, f"{HEADER}\na,b,true,2026-01-01,\n")
    assert found == [decide("c", "<>", "d", 2), decide("a", "=", "b", 1)]
    assert read_decisions(warehouse.url, date(2026, 1, 9), tmp_path / "absent.csv") == found[:1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "decisions.csv: the header lacks decided_on, is_same, left_key, right_key"),
        ("left_key,right_key,is_same\n", "decisions.csv: the header lacks decided_on"),
        (HEADER.replace(",", ";"), "decisions.csv: the header lacks"),
        (
            f"{HEADER}\na,b,true,2026-01-01,\na,b,maybe,2026-01-01,\n",
            "decisions.csv, line 3: is_same must be true or false",
        ),
        (f"{HEADER}\n\na,b,,2026-01-01,\n", "decisions.csv, line 3: is_same"),
        (f"{HEADER}\na,,true,2026-01-01,\n", "decisions.csv, line 2: left_key and right_key must name two records"),
        (f"{HEADER}\na, a ,true,2026-01-01,\n", "decisions.csv, line 2: left_key and right_key must name two records"),
        (f"{HEADER}\na,b,true,31.01.2026,\n", "decisions.csv, line 2: decided_on must be a date such as 2026-01-31"),
        (f"{HEADER}\na,b,true\n", "decisions.csv, line 2: decided_on"),
        (f"{HEADER}\na,b,true,2026-01-01,caf\u00e9\n".encode("latin-1"), "decisions.csv"),
        (f'{HEADER}\na,b,true,2026-01-01,"never closed\nc,d,no,2026-01-02,\n', "decisions.csv"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(template, tmp_path, content, message):
    with pytest.raises(DecisionError, match=message):
        read(template.url, tmp_path, content)
