"""Models and hard records, trained and made once for all tests of the identity engine; warehouses to run nights in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import psycopg
import pytest

from bench.identity_hard import hard_set
from bench.identity_sets import LabelledSet
from kehu.local.environment import with_database
from kehu.warehouse.migrate import migrate
from kehu.warehouse.runs import Night
from kehu.warehouse.tables import connect
from ml.identity.decisions import Decision
from ml.identity.job import identify
from ml.identity.link import Work, link
from ml.identity.model import Model
from ml.identity.settings import Kind, Settings
from ml.identity.state import State, save_model
from tests.ml.identity.graphs import COLUMNS, TABLE
from tests.ml.identity.worlds import Row, decide, table_of

FIELDS = ("given_name", "surname", "birth_date", "street", "city", "postcode", "company", "mails", "phones")
MAILS = ("info@example.org", "office@example.net")
PHONES = ("+441134960000", "+441134961111", "+441134962222")
# Type, share of the records that have one, how many there are: own, linked, one that many have, one nobody links by.
KEYS = (
    ("shop.account", 0.4, 150),
    ("social.handle", 0.1, 4),
    ("shop.order", 0.15, 60),
    ("shop.order", 0.035, 1),
    ("web.visit", 0.1, 3),
)
ROWS = ("kind", "record_key", "known_at", "content_hash", *COLUMNS)


@dataclass(frozen=True)
class Warehouse:
    """A warehouse whose records are written by hand, as they are on a night."""

    url: str

    def hold(self, records: Mapping[str, Row], kind: Kind = "person") -> None:
        """Let these be all records of a kind there are."""
        with psycopg.connect(self.url) as connection:
            connection.execute("delete from intermediate.int_identity_records where kind = %s", [kind])
            with connection.cursor().copy(
                f"copy intermediate.int_identity_records ({', '.join(ROWS)}) from stdin"
            ) as copy:
                for key, row in records.items():
                    content = {name: row.get(name, [] if sort == "text[]" else None) for name, sort in COLUMNS.items()}
                    text = json.dumps(content | {"known_at": row.get("known_at")}, default=str)
                    copy.write_row([kind, key, row.get("known_at"), text, *content.values()])

    def decide(self, *decisions: Decision) -> None:
        """Let these be all decisions in the warehouse."""
        with psycopg.connect(self.url) as connection:
            connection.execute("delete from identity.decisions")
            for made in decisions:
                connection.execute(
                    "insert into identity.decisions (left_key, right_key, is_same, decided_on, kind)"
                    " values (%s, %s, %s, %s, %s)",
                    [made.left_key, made.right_key, made.is_same, made.decided_on, made.kind],
                )

    def know(self, model: Model, settings: Settings, kind: Kind = "person", size: int = 3000) -> None:
        """Keep a model as trained under these settings, long ago, on `size` records."""
        with connect(self.url) as connection:
            fingerprint = settings.fingerprint(kind)
            save_model(State(connection, kind), model, f"{kind} {fingerprint}", fingerprint, size, date(2020, 1, 1))

    def night(self, day: date, settings: Settings, decisions_file: Path | None = None, is_full: bool = False) -> None:
        """Run the identity job of a night."""
        identify(self.url, Night(1, day), settings, decisions_file, is_full)

    def rows(self, query: str) -> list[tuple]:
        """The rows of a query."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def graph(self) -> dict[str, list[str]]:
        """All rows of what the job keeps, in an order of their own."""
        names = ("records", "links", "assignments", "merge_log", "findings", "crowded")
        return {
            name: [row for (row,) in self.rows(f"select cast(t as text) from identity.{name} as t order by 1")]
            for name in names
        }

    def customers(self, day: date) -> dict[str, str]:
        """Record -> customer id as it was known on a day."""
        return dict(self.rows(f"select record_key, customer_id from identity.as_of('{day}') order by 1"))


@pytest.fixture(scope="session")
def template(server_url: str) -> Warehouse:
    """A migrated warehouse without records that others are copied from; nothing is to be written to it."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database identity_template")
    warehouse = Warehouse(with_database(server_url, "identity_template"))
    migrate(warehouse.url)
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(TABLE)
    return warehouse


@pytest.fixture
def make_warehouse(server_url: str, template: Warehouse) -> Iterator[Callable[[], Warehouse]]:
    """What makes warehouses without records; they are dropped after the test."""
    made: list[str] = []

    def make() -> Warehouse:
        made.append(f"linked_{len(made)}")
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"create database {made[-1]} template identity_template")
        return Warehouse(with_database(server_url, made[-1]))

    yield make
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in made:
            connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def warehouse(make_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """A warehouse without records."""
    return make_warehouse()


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


@pytest.fixture(scope="session")
def hard() -> LabelledSet:
    """3000 records of invented people who live together, move and change."""
    return hard_set(3000)


@pytest.fixture(scope="session")
def hard_linked(hard: LabelledSet) -> Work:
    """The hard records linked by a model that was trained on them."""
    return link(hard.records)


@pytest.fixture(scope="session")
def model(hard_linked: Work) -> Model:
    """A model of persons."""
    assert hard_linked.model is not None
    return hard_linked.model


@pytest.fixture(scope="session")
def family_model() -> Model:
    """A model of persons of whom most live with other customers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.identity_hard.HOUSEHOLD_SIZES", (0.2, 0.5, 0.2, 0.1, 0.0))
        trained = link(hard_set(2000).records).model
    assert trained is not None
    return trained


@pytest.fixture(scope="session")
def company_model() -> Model:
    """A model of companies: 600, each known twice with gaps, in 200 houses that share a switchboard or a website."""
    random = np.random.default_rng(3)
    words = ["".join(random.choice(list("abdefgiklmnoprstu"), 6)) for _ in range(900)]
    rows = []
    for n in range(600):
        name, house = " ".join(random.choice(words, 2)), n % 200
        shares_phone, shares_website = random.random(2) < 0.5
        truth = {
            "company": name,
            "registration": f"{random.integers(10**7, 10**8)}",
            "domains": [f"house{house}.example" if shares_website else name.replace(" ", "") + ".example"],
            "phones": [f"+4930{5_000_000 + (house if shares_phone else 1000 + n)}"],
            "company_city": f"town {house % 40}",
            "country": "DE",
        }
        for copy in range(2):
            told = {key for key in truth if key in ("company", "country") or random.random() < 0.7}
            rows.append({"record_key": f"c:{n}:{copy}", **{key: truth[key] for key in truth if key in told}})
    trained = link(table_of(rows), kind="company").model
    assert trained is not None
    return trained
