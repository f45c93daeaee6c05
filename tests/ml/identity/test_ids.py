"""Customer ids through random nights: they go with their records, the oldest lives on, and the log tells it all."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.identity.ids import Event, assign, founding, new_id

RECORDS = "abcdefghij"
TIMES = st.lists(st.sampled_from([None, "2025-01-01", "2025-01-02", "2025-01-03"]), min_size=10, max_size=10)
# Which cluster each record is in on a night; 0: it does not exist.
NIGHT = st.lists(st.integers(0, 4), min_size=10, max_size=10).map(
    lambda night: cluster_of(zip(RECORDS, night, strict=True))
)
NIGHTS = st.lists(NIGHT, min_size=1, max_size=6)


def cluster_of(pairs):
    """Record -> cluster, a cluster named after its smallest record."""
    members = defaultdict(list)
    for record, number in pairs:
        if number:
            members[number].append(record)
    return {record: group[0] for group in members.values() for record in group}


def groups(text):
    """Clusters by hand: groups("ab c") is {a, b} and {c}."""
    return {record: group[0] for group in text.split() for record in group}


class Ids:
    """Ids from night to night, and what the job knows of them."""

    def __init__(self, times=(None,) * 10, born=None):
        self.seniority = {record: founding(time, record) for record, time in zip(RECORDS, times, strict=True)}
        self.born = dict(born or {})
        self.now = {}
        self.nights = 0

    def night(self, clusters):
        """The night before, this night and its events."""
        self.nights += 1
        before, born = self.now, dict(self.born)
        self.now, events = assign("person", before, clusters, self.seniority, born)
        for customer in self.now.values():
            self.born.setdefault(customer, (date(2026, 1, self.nights), customer))
        return before, self.now, events


def lived(nights, times):
    ids = Ids(times)
    return ids, [(clusters, *ids.night(clusters)) for clusters in nights]


def members(ids):
    found = defaultdict(set)
    for record, customer in ids.items():
        found[customer].add(record)
    return found


def what(events, name):
    return {
        (event.customer_id, event.other_customer_id): event.count_records for event in events if event.event == name
    }


@given(NIGHTS, TIMES)
def test_records_have_one_id_where_they_have_one_cluster(nights, times):
    for clusters, _, now, _ in lived(nights, times)[1]:
        assert set(now) == set(clusters)
        assert set(map(frozenset, members(now).values())) == set(map(frozenset, members(clusters).values()))


@given(NIGHTS, TIMES)
def test_an_unchanged_customer_keeps_the_id(nights, times):
    for _, before, now, _ in lived(nights, times)[1]:
        after = members(now)
        for customer, records in members(before).items():
            if records in after.values():
                assert after[customer] == records


@given(NIGHTS, TIMES)
def test_an_id_goes_with_the_larger_part_of_its_records(nights, times):
    ids, seen = lived(nights, times)
    for clusters, before, now, events in seen:
        merged = {customer: other for customer, other in what(events, "merged")}
        for customer, records in members(before).items():
            parts = members({record: now[record] for record in records if record in clusters})
            if parts:
                size = max(len(part) for part in parts.values())
                largest = {i for i, part in parts.items() if len(part) == size}
                assert merged.get(customer, customer) in largest


@given(NIGHTS, TIMES)
def test_the_oldest_of_the_ids_that_meet_lives_on(nights, times):
    ids, seen = lived(nights, times)
    for _, _, now, events in seen:
        for customer, other in what(events, "merged"):
            assert other in now.values()
            assert ids.born[other] < ids.born[customer]


@given(NIGHTS, TIMES)
def test_the_events_are_what_changed_and_nothing_else(nights, times):
    for clusters, before, now, events in lived(nights, times)[1]:
        old, new = members(before), members(now)
        merged, split = what(events, "merged"), what(events, "split")
        vanished, created = what(events, "vanished"), what(events, "created")
        assert vanished == {(i, ""): len(r) for i, r in old.items() if not r & set(clusters)}
        assert {i for i, _ in [*merged, *vanished]} == set(old) - set(new)
        assert all(count == len(old[i]) for (i, _), count in merged.items())
        moved = Counter((before[r], now[r]) for r in clusters if r in before and before[r] != now[r])
        assert split == {pair: count for pair, count in moved.items() if pair not in merged}
        assert set(merged) <= set(moved)
        parts = {other for _, other in split}
        assert created == {(i, ""): len(r) for i, r in new.items() if i not in old and i not in parts}
        assert events == sorted(set(events))


@given(NIGHTS, TIMES)
def test_the_log_leads_from_every_id_ever_given_to_a_living_one_or_to_its_end(nights, times):
    ids, seen = lived(nights, times)
    last = {}
    for _, _, _, events in seen:
        last |= {event.customer_id: event for event in events if event.event in ("merged", "vanished")}
    living = set(ids.now.values())
    for customer in ids.born:
        steps = [customer]
        while steps[-1] not in living and last[steps[-1]].event == "merged":
            steps.append(last[steps[-1]].other_customer_id)
        assert len(steps) == len(set(steps))


@given(NIGHTS, TIMES, st.randoms(use_true_random=False))
def test_neither_the_order_of_records_nor_the_names_of_clusters_count(nights, times, random):
    ids, seen = lived(nights, times)
    for clusters, before, now, events in seen:
        records, order = list(clusters.items()), list(before.items())
        random.shuffle(records)
        random.shuffle(order)
        names = dict(zip(RECORDS, random.sample("zyxwvutsrq", 10), strict=True))
        renamed = {record: names[cluster] for record, cluster in records}
        earlier = {i: birth for i, birth in ids.born.items() if i in before.values()}
        assert assign("person", dict(order), renamed, ids.seniority, earlier) == (now, events)


@given(NIGHTS, TIMES)
def test_customers_that_nothing_happened_to_may_be_left_out(nights, times):
    ids, seen = lived(nights, times)
    for clusters, before, now, events in seen:
        new = members(now)
        still = {i for i, records in members(before).items() if new.get(i) == records}
        earlier = {record: i for record, i in before.items() if i not in still}
        rest = {record: cluster for record, cluster in clusters.items() if now[record] not in still}
        found = assign("person", earlier, rest, ids.seniority, ids.born, still.__contains__)
        assert found == ({record: now[record] for record in rest}, events)


@given(NIGHT, TIMES)
def test_ids_of_a_first_night_are_made_from_the_founding_records(clusters, times):
    ids = Ids(times)
    _, now, events = ids.night(clusters)
    for customer, records in members(now).items():
        assert customer == new_id("person", min(records, key=lambda record: ids.seniority[record]), 0)
        assert Event("created", customer, "", len(records)) in events
    assert len(events) == len(members(now))


@given(NIGHT, TIMES)
def test_the_same_clusters_again_change_nothing(clusters, times):
    ids = Ids(times)
    _, first, _ = ids.night(clusters)
    assert ids.night(clusters) == (first, first, [])


def test_two_merge_into_the_one_that_was_there_first_and_come_apart_again():
    ids = Ids()
    ids.night(groups("cde"))
    _, apart, _ = ids.night(groups("ab cde"))
    _, merged, events = ids.night(groups("abcde"))
    assert set(merged.values()) == {apart["c"]}
    assert events == [Event("merged", apart["a"], apart["c"], 2)]
    _, again, events = ids.night(groups("ab cde"))
    assert again == apart
    assert events == [Event("split", apart["c"], apart["a"], 2)]


def test_an_id_that_merges_tonight_is_not_given_to_its_founder_who_stays_behind():
    ids = Ids()
    ids.night(groups("d"))
    _, before, _ = ids.night(groups("abc d"))
    _, now, events = ids.night(groups("a bcd"))
    assert now["a"] not in before.values()
    assert events == [
        Event("merged", before["a"], before["d"], 3),
        Event("split", before["a"], now["a"], 1),
    ]


def test_the_larger_part_keeps_the_id_and_the_other_founds_one():
    ids = Ids()
    _, whole, _ = ids.night(groups("abc"))
    _, parts, events = ids.night(groups("a bc"))
    assert parts["b"] == parts["c"] == whole["a"]
    assert events == [Event("split", whole["a"], parts["a"], 1)]
    assert parts["a"] not in (new_id("person", "a", 0), whole["a"])


def test_of_equal_parts_the_one_with_the_oldest_record_keeps_the_id():
    ids = Ids(["2025-01-03", "2025-01-02", *[None] * 8])
    _, whole, _ = ids.night(groups("ab"))
    _, parts, _ = ids.night(groups("a b"))
    assert parts["b"] == whole["a"]
    assert parts["a"] == new_id("person", "a", 0)


def test_an_id_that_is_taken_elsewhere_is_not_given_again():
    taken = {new_id("company", "a", 0), new_id("company", "a", 1)}
    ids, _ = assign("company", {}, {"a": "a"}, {"a": founding(None, "a")}, {}, taken.__contains__)
    assert ids == {"a": new_id("company", "a", 2)}
    assert ids["a"].startswith("C-")


@pytest.mark.parametrize("attempt", [0, 1])
def test_ids_depend_on_kind_founder_and_attempt_only(attempt):
    assert new_id("person", "a", attempt) == new_id("person", "a", attempt)
    assert len({new_id(kind, key, n) for kind in ("person", "company") for key in "ab" for n in (0, 1)}) == 8


def test_records_without_a_time_are_the_youngest():
    old, young, last = founding("2024-12-31 23:00:00", "y"), founding("2025-01-01 10:00:00", "z"), founding(None, "a")
    assert sorted([last, young, old]) == [old, young, last]
