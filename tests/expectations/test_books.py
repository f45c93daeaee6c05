"""Lines beside their payments: gaps by hand, and the books of a small shop read from PostgreSQL."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import psycopg
import pytest

from expectations.books import Books, compare_books, read_books
from expectations.gate import GateError
from expectations.raw_gate import check_raw
from kehu.sources.files import FilesSource
from kehu.sources.files_settings import FilesSettings
from kehu.warehouse.runs import open_night
from tests.shops import SmallShop

DAY = date(2024, 3, 1)
USUAL = Books(100, 0, 80, 50, 0, 150.0, 150.0, 100, 15)


def gap(**changes):
    history = {DAY - timedelta(days=ago): USUAL for ago in range(1, 29)}
    return compare_books(DAY, history | {DAY: Books(**(vars(USUAL) | changes))})


def test_books_like_the_others_have_no_gap():
    assert (gap().missing, gap().off, gap().unpaid, gap().hours) == (0, 0, 0, 0)


def test_gaps_by_hand():
    assert (gap(count_missing=3).missing, gap(count_missing=3).max_missing) == (3, 2.5)
    assert gap(count_payments=1000).max_missing == 20  # two in a hundred
    assert gap(count_off=4).off == 4
    unpaid = gap(count_unpaid=55)
    assert (unpaid.unpaid, unpaid.max_unpaid) == (pytest.approx(40), 25)
    assert gap(lag=3750.0, clock_lag=3750.0).hours == 1


def test_a_clock_that_is_put_forward_is_no_shift_for_one_of_the_two():
    assert gap(clock_lag=3750.0).hours == gap(lag=-3450.0).hours == 0


def test_what_is_usual_is_no_gap_and_few_days_tell_nothing():
    history = {DAY - timedelta(days=ago): Books(**(vars(USUAL) | {"count_off": 25})) for ago in range(1, 29)}
    now = {DAY: Books(**(vars(USUAL) | {"count_off": 30}))}
    found = compare_books(DAY, history | now)
    assert (found.off, found.max_off) == (5, pytest.approx(4 * 12.5**0.5))
    assert gap(count_payments=5, count_unpaid=100).unpaid == 0  # the provider has not told of the day
    few = {day: books for day, books in history.items() if (DAY - day).days < 7}
    assert compare_books(DAY, few | {DAY: Books(count_payments=10, count_missing=10)}).missing == 0


class Shop:
    """A shop whose invoices are all paid two minutes later; tests change its last day's lines or payments."""

    def __init__(self, folder):
        self.lines = SmallShop(folder / "shop", days=30, customers=300).write()
        self.folder = folder
        self.last = self.lines.last_day
        invoices = {}
        for lines in self.lines.rows.values():
            for line in lines:
                at, amount = invoices.get(line[0], (line[4], 0.0))
                invoices[line[0]] = (min(at, line[4]), amount + int(line[3]) * float(line[5]))
        self.payments = {
            number: {
                "payment_id": number, "kind": "payment", "status": "settled", "currency": "GBP", "order_number": number,
                "amount": f"{amount:.2f}",
                "created_at": f"{datetime.fromisoformat(at) + timedelta(minutes=2)}+00:00",
            }
            for number, (at, amount) in invoices.items()
        }  # fmt: skip

    def last_numbers(self):
        return list(dict.fromkeys(line[0] for line in self.lines.rows[self.last]))

    def keep(self, change):
        rows = [change(list(line)) for line in self.lines.rows[self.last]]
        self.lines.rows[self.last] = [row for row in rows if row]
        self.lines.write_day(self.last)

    def night(self, url):
        rows = [one | {"updated_at": one["created_at"]} for one in self.payments.values()]
        (self.folder / "pay.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        entity = {"format": "jsonl", "pattern": "pay*.jsonl", "key": "payment_id", "changed_at": "updated_at"}
        settings = FilesSettings.model_validate({"location": str(self.folder), "entities": {"payments": entity}})
        night = open_night(url, self.last, "test")
        FilesSource("payments", settings).ingest(url, "payments", night)
        self.lines.source.ingest(url, "order_lines", night)
        return night, check_raw(url, night)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def results(url, night):
    query = "select expectation, is_passed from ops.quality_results where run_id = %s and table_name like '%%payments'"
    with psycopg.connect(url) as connection:
        return dict(connection.execute(query, [night.run_id]).fetchall())


def test_a_sound_night_passes_and_its_books_are_right(url, shop):
    night, counts = shop.night(url)
    assert counts.quarantined == 0
    wanted = ("invoices_are_there", "amounts_agree", "times_agree", "invoices_are_paid")
    assert {rule: passed for rule, passed in results(url, night).items() if rule in wanted} == dict.fromkeys(
        wanted, True
    )
    with psycopg.connect(url) as connection:
        loads = dict(connection.execute("select file_date, load_id from ops.loads where source = 'shop'").fetchall())
    books = read_books(url, shop.last - timedelta(days=2), {shop.last: loads[shop.last]})
    count = len(shop.last_numbers())
    assert books[shop.last] == Books(count, 0, count, count, 0, 120.0, 120.0, count, 0)


def earlier(line):
    """Less than the times of day alone can tell."""
    return [*line[:4], str(datetime.fromisoformat(line[4]) - timedelta(minutes=45)), *line[5:]]


@pytest.mark.parametrize("kind", ["invoices", "lines", "a clock", "amounts"])
def test_what_does_not_fit_its_payments_is_blocked(url, shop, kind):
    numbers = shop.last_numbers()[5:8]
    if kind == "invoices":
        shop.keep(lambda line: None if line[0] in numbers else line)
    elif kind == "lines":
        shop.keep(lambda line: [*line[:3], str(int(line[3]) + 1), *line[4:]] if line[0] in numbers else line)
    elif kind == "a clock":
        shop.keep(earlier)
    else:
        for number in numbers:
            shop.payments[number]["amount"] = "0.01"
    reason = {"invoices": "lines are missing", "a clock": "the clock of one"}.get(kind, "other amounts")
    with pytest.raises(GateError, match=rf"order_lines_{shop.last}.*{reason}.*make waive LOAD="):
        shop.night(url)


def test_invoices_that_nobody_pays_warn(url, shop):
    for number in shop.last_numbers()[1::2]:
        del shop.payments[number]
    night, _ = shop.night(url)
    assert results(url, night)["invoices_are_paid"] is False
