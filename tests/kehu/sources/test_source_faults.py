"""The twelve faults against each kind of source, through to the warehouse: each row exactly once, or nothing at all."""

from __future__ import annotations

import re
from datetime import date, timedelta

import psycopg
import pytest

from kehu.sources.contract import SourceError
from kehu.sources.records import ingest_records
from kehu.warehouse.landing import table_name
from kehu.warehouse.runs import open_night
from tests.fakes.faults import Fault

DAY = date(2026, 1, 5)
OPTIONS = {
    Fault.TOO_MANY_REQUESTS: {"retry_after": 0.01},
    Fault.TIME_OUT: {"seconds": 1.0},
    Fault.SLOW_DRIP: {"pause": 0.05},
}
SOURCES = ("zoho", "fxiaoke", "rest")


class Target:
    """One entity of one faulty source, its reader, and what it holds in truth."""

    def __init__(self, source: str, entity: str, listing: str, fake, expected, change) -> None:
        self.source, self.entity, self.listing = source, entity, listing
        self.fake, self.expected, self.change = fake, expected, change

    def ingest(self, url: str, day: date):
        reader = self.fake.reader()
        return ingest_records(url, self.source, self.entity, reader, open_night(url, day, "test"))


@pytest.fixture
def target(request, clock):
    """The source by its name, with 400 records or so on several pages."""
    name = request.param
    if name == "zoho":
        crm = request.getfixturevalue("crm")
        return Target(
            name, "Contacts", "/crm/v8/Contacts", crm, lambda: set(crm.expected()),
            lambda key: crm.app.change("Contacts", key, Email="new@example.com"),
        )  # fmt: skip
    if name == "fxiaoke":
        tenant = request.getfixturevalue("tenant")
        return Target(
            name, "AccountObj", "/data/query", tenant, lambda: set(tenant.expected()),
            lambda key: tenant.app.change("AccountObj", key, tel="010-0"),
        )  # fmt: skip
    service = request.getfixturevalue("service")
    service.clock = clock
    return Target(
        name, "chats", "/chats", service, lambda: set(service.expected("chats")),
        lambda key: service.app.change("chats", int(key) if key.isdigit() else key, body="new"),
    )  # fmt: skip


def rows_of(url: str, target: Target) -> list[tuple]:
    with psycopg.connect(url) as connection:
        if (
            connection.execute(
                "select to_regclass(%s)", [f"raw_{target.source}.{table_name(target.entity)}"]
            ).fetchone()[0]
            is None
        ):
            return []
        query = f"select _record_id, _is_deleted from raw_{target.source}.{table_name(target.entity)} order by 1"
        return connection.execute(query).fetchall()


def ledger_of(url: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select count_rows, count_live, count_source from ops.loads order by load_id"
        ).fetchall()


def assert_whole(url: str, target: Target) -> None:
    """Each record once, none too many, and the ledger knows."""
    assert rows_of(url, target) == [(key, False) for key in sorted(target.expected())]
    count_rows, count_live, count_source = ledger_of(url)[-1]
    assert count_live == len(target.expected())
    assert count_source in (None, count_live)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("target", SOURCES, indirect=True)
def test_a_passing_fault_leaves_each_row_exactly_once_or_nothing(url, target, fault):
    plan = target.fake.server.faults.plan(fault, after=2, times=1, path=target.listing, **OPTIONS.get(fault, {}))
    try:
        target.ingest(url, DAY)
    except SourceError as error:
        assert_clear(error, target)
        assert (rows_of(url, target), ledger_of(url)) == ([], [])
        target.ingest(url, DAY)
    assert plan.hits == 1
    assert_whole(url, target)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("target", SOURCES, indirect=True)
def test_a_lasting_fault_ends_clearly_with_nothing_landed_and_the_next_try_is_whole(url, target, fault):
    plan = target.fake.server.faults.plan(fault, after=2, times=None, path=target.listing, **OPTIONS.get(fault, {}))
    try:
        target.ingest(url, DAY)
    except SourceError as error:
        assert_clear(error, target)
        assert (rows_of(url, target), ledger_of(url)) == ([], [])
        target.fake.server.faults.reset()
        target.ingest(url, DAY)
    else:
        # A source may get round a fault, but only with every row.
        assert fault in (Fault.REPEATED_PAGE, Fault.TOKEN_EXPIRED)
    assert plan.hits >= 1
    assert_whole(url, target)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("target", SOURCES, indirect=True)
def test_a_fault_on_the_second_night_neither_loses_nor_doubles_a_change(url, target, fault, clock):
    target.ingest(url, DAY)
    before = len(rows_of(url, target))
    clock.advance(3600)
    changed = sorted(target.expected())[:5]
    for key in changed:
        target.change(key)
    target.fake.server.faults.plan(fault, after=0, times=1, path=target.listing, **OPTIONS.get(fault, {}))
    try:
        target.ingest(url, DAY + timedelta(days=1))
    except SourceError as error:
        assert_clear(error, target)
        assert len(rows_of(url, target)) == before
        target.ingest(url, DAY + timedelta(days=1))
    after = [key for key, _ in rows_of(url, target)]
    assert len(after) == before + 5
    assert sorted(key for key in set(after) if after.count(key) == 2) == changed


def assert_clear(error: SourceError, target: Target) -> None:
    text = str(error)
    assert "\n" not in text
    assert target.entity in text or target.listing.rsplit("/", 1)[-1] in text
    assert "example.com" not in text
    assert not re.search(r"\?\w+=", text)  # no query string
