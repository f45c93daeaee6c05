"""The nightly job on real PostgreSQL: linking what changed gives the rows that linking everything gives; ids last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from bench.identity_hard import hard_set
from ml.identity.decisions import Decision
from ml.identity.settings import Keys, Value, load

FIRST = date(2026, 1, 1)
FIELDS = ("given_name", "surname", "birth_date", "street", "city", "postcode", "country", "company", "known_at")
SHARED_MAILS = ("info@example.org", "office@example.net")
SHARED_PHONES = ("+441134960000", "+441134961111", "+441134962222")


def on(number):
    return FIRST + timedelta(days=number)


def tiny(**person):
    """The shipped settings with caps so small that values are crowded one night and not the next."""
    settings = load()
    changes = {
        "keys": settings.person.keys.model_copy(update={"cap": 5}),
        "values": {"mails": Value(cap=4), "phones": Value(cap=4)},
        "cluster_cap": 5,
    }
    return settings.model_copy(
        update={
            "block_cap": 6,
            "component_cap": 8,
            "person": settings.person.model_copy(update=changes | person),
        }
    )


class History:
    """Records and decisions that change from night to night, the same for the same seed."""

    def __init__(self, seed, size=200):
        self.random = np.random.default_rng(seed)
        people = hard_set(2 * size, seed=7).records.to_pylist()
        self.unseen = [self.dressed(row) for row in people]
        self.records = {}
        self.decisions = []
        self.add(size)

    def dressed(self, row):
        """A record with a time it was known at and, mostly, keys and values that others have too."""
        row = {name: value for name, value in row.items() if name != "source"}
        row["known_at"] = self.some_time()
        row["keys"] = self.some_keys()
        for name, shared in (("mails", SHARED_MAILS), ("phones", SHARED_PHONES)):
            if self.random.random() < 0.03:
                row[name] = sorted({*row[name], str(self.random.choice(shared))})
        return row

    def some_time(self):
        if self.random.random() < 0.1:
            return None
        return datetime(2025, 1, 1, tzinfo=timezone.utc) + timedelta(days=int(self.random.integers(300)))

    def some_keys(self):
        keys = []
        for rule, share, count in (
            ("shop.account", 0.4, 150), ("social.handle", 0.1, 4), ("shop.order", 0.15, 60), ("shop.order", 0.05, 1),
        ):
            if self.random.random() < share:
                keys.append(f"{rule}:{self.random.integers(count)}")
        return sorted(set(keys))

    def some(self, count):
        keys = sorted(self.records)
        return [str(key) for key in self.random.choice(keys, min(count, len(keys)), replace=False)]

    def add(self, count):
        for _ in range(count):
            row = self.unseen.pop(int(self.random.integers(len(self.unseen))))
            self.records[row["record_key"]] = row

    def remove(self, count):
        for key in self.some(count):
            self.unseen.append(self.records.pop(key))

    def change(self, count):
        for key in self.some(count):
            row = dict(self.records[key])
            what = self.random.integers(6)
            if what == 0:
                row["keys"] = self.some_keys()
            elif what == 1:
                row["phones"] = sorted({*row["phones"][:1], str(self.random.choice(SHARED_PHONES))})
            elif what == 2:
                row["mails"] = [str(self.random.choice(SHARED_MAILS))]
            elif what == 3:
                row["known_at"] = self.some_time()
            else:
                name = str(self.random.choice([*FIELDS, "mails", "phones"]))
                other = self.some(1)[0]
                row[name] = self.records[other].get(name)
            self.records[key] = row

    def judge(self, count, day):
        for decision in list(self.decisions):
            if self.random.random() < 0.15:
                self.decisions.remove(decision)
        for _ in range(count):
            left, right = self.some(2)
            made = Decision(day, left, right, bool(self.random.random() < 0.5))
            if not any({d.left_key, d.right_key} == {left, right} for d in self.decisions):
                self.decisions.append(made)

    def turn(self, day):
        size = int(self.random.integers(0, 8))
        self.add(int(self.random.integers(0, size + 1)))
        self.remove(int(self.random.integers(0, size + 1)))
        self.change(int(self.random.integers(0, 2 * size + 1)))
        self.judge(int(self.random.integers(0, 3)), day)


@pytest.mark.parametrize("seed", range(4))
def test_x(make_warehouse, model, seed):
    settings = tiny()
    one, other = make_warehouse(), make_warehouse()
    history = History(seed)
    for w in (one, other):
        w.know(model, settings)
    for n in range(8):
        for w in (one, other):
            w.hold(history.records)
            w.decide(*history.decisions)
        one.night(on(n), settings)
        other.night(on(n), settings, is_full=True)
        print(one.rows(f"select is_full, counts from identity.nights where as_of_date='{on(n)}' and kind='person'"))
        a, b = one.graph(), other.graph()
        for name in a:
            assert a[name] == b[name], (n, name, sorted(set(a[name]) - set(b[name]))[:5], sorted(set(b[name]) - set(a[name]))[:5])
        history.turn(on(n))
