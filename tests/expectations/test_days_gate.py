"""The gate beside the nights before: what it blocks, what it warns of, and the way past it."""

from __future__ import annotations

import json

import psycopg
import pytest

from expectations.gate import GateError
from expectations.raw_gate import check_raw
from kehu.warehouse.quarantine import WaiverError, waive
from kehu.warehouse.runs import open_night
from tests.shops import SmallShop


@pytest.fixture
def shop(tmp_path):
    """A shop with enough trade a day for its days to be alike, of which the last is changed by the tests."""
    return SmallShop(tmp_path / "shop", days=36, customers=1500).write()


def run(url, shop):
    night = open_night(url, shop.last_day, "test")
    shop.source.ingest(url, "order_lines", night)
    check_raw(url, night)
    return night


def change(shop, cells):
    """The last day's lines, each as `cells` makes it; None leaves it out."""
    lines = [cells(place, list(line)) for place, line in enumerate(shop.rows[shop.last_day])]
    shop.rows[shop.last_day] = [line for line in lines if line is not None]
    shop.write_day(shop.last_day)


def in_cents(_, line):
    return [*line[:5], f"{float(line[5]) * 100:.2f}", *line[6:]]


def later(_, line):
    return [*line[:4], line[4].replace(" 11:", " 14:").replace(" 10:", " 13:").replace(" 09:", " 12:"), *line[5:]]


def failed(url, run_id):
    query = "select expectation, severity from ops.quality_results where run_id = %s and not is_passed order by 1"
    with psycopg.connect(url) as connection:
        return connection.execute(query, [run_id]).fetchall()


def test_a_usual_day_passes_and_its_profile_holds_no_value_of_a_person(url, shop):
    assert failed(url, run(url, shop).run_id) == []
    with psycopg.connect(url) as connection:
        (kept,) = connection.execute("select profile from ops.profiles order by load_id desc limit 1").fetchone()
    assert set(kept) == {"count_lines", "count_invoices", "share_without_customer", "hours", "countries"}
    assert not any(line[6] in json.dumps(kept) for line in shop.rows[shop.last_day])


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (lambda place, line: line if place % 5 < 2 else None, "number of lines"),
        (in_cents, "prices moved"),
        (later, "times of day"),
        (lambda place, line: [*line[:6], "" if place % 2 else line[6], line[7]], "have no CustomerID"),
    ],
    ids=["lines are missing", "cents", "three hours later", "customers are missing"],
)
def test_an_odd_day_is_blocked_until_someone_waives_it(url, shop, cells, reason):
    change(shop, cells)
    with pytest.raises(GateError, match=reason):
        run(url, shop)
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from ops.loads where status <> 'landed'").fetchone() == (0,)
        (load_id,) = connection.execute("select max(load_id) from ops.loads").fetchone()
    waive(url, load_id, "test", "a sale")
    run(url, shop)
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from ops.loads where status <> 'accepted'").fetchone() == (0,)


def test_some_more_nameless_lines_and_other_countries_warn(url, shop):
    change(shop, lambda place, line: [*line[:6], "" if place % 8 == 0 else line[6], "Spain" if place % 2 else line[7]])
    night = run(url, shop)
    assert failed(url, night.run_id) == [("countries_are_usual", "warn"), ("customers_are_usual", "warn")]


def test_a_waiver_needs_a_reason_and_a_load_that_waits(url, shop):
    run(url, shop)
    with pytest.raises(WaiverError, match="needs a reason"):
        waive(url, 1, "test", " ")
    for load_id in (1, 999):
        with pytest.raises(WaiverError, match=f"no load {load_id} waits"):
            waive(url, load_id, "test", "why not")


@pytest.mark.parametrize(("usual", "count", "quarantined"), [(0, 5, 0), (0, 6, 6), (10, 12, 0), (10, 20, 20)])
def test_lines_that_come_again_are_quarantined_above_the_usual(url, shop, usual, count, quarantined):
    for day in shop.rows:
        repeated = count if day == shop.last_day else usual
        shop.rows[day] += [list(line) for line in shop.rows[day][:repeated]]
    shop.write()
    run(url, shop)
    with psycopg.connect(url) as connection:
        rows = connection.execute("select rule, count(*) from ops.quarantine group by 1").fetchall()
    assert rows == ([("lines_come_once", quarantined)] if quarantined else [])
