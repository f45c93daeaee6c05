from __future__ import annotations

from datetime import timedelta

import great_expectations.expectations as gxe
import psycopg
import pytest

from expectations.gate import Check, GateError, require_open, run_gate
from expectations.raw_gate import check_raw
from expectations.suites.shop_order_lines import KEY
from kehu.warehouse.quarantine import quarantined_in
from kehu.warehouse.runs import open_night
from tests.shops import FIRST_DAY, SmallShop

DAY = FIRST_DAY + timedelta(days=3)
BAD_CELLS = {
    "negative price": (5, "-1.00", "UnitPrice is negative"),
    "price in words": (5, "cheap", "UnitPrice is missing or not a number"),
    "price overflow": (5, "123456789012.00", "UnitPrice is missing or not a number"),
    "no quantity": (3, "", "Quantity is missing"),
    "zero quantity": (3, "0", "Quantity is missing, zero"),
    "part of a piece": (3, "1.5", "not a whole number"),
    "unknown date": (4, "2024-13-45 09:00:00", "InvoiceDate is not on the file's day"),
    "no date": (4, "", "InvoiceDate is missing"),
    "another day": (4, "2024-01-05 09:00:00", "InvoiceDate is not on the file's day"),
    "unknown hour": (4, f"{DAY} 25:00:00", "InvoiceDate is missing or not of the form"),
    "no invoice": (0, "", "InvoiceNo is missing"),
    "no product": (1, "", "StockCode is missing"),
    "strange customer": (6, "N/A", "CustomerID is neither empty nor a number"),
    "a bell in a text": (2, "THING\x07", "control characters"),
    "an unseen character": (7, "Fran\u200bce", "control characters"),
    "formula": (0, "=cmd()", "InvoiceNo is missing or not"),
}


def run(url, shop):
    night = open_night(url, DAY, "test")
    shop.source.ingest(url, "order_lines", night)
    return night, check_raw(url, night)


def load_states(url):
    with psycopg.connect(url) as connection:
        return dict(connection.execute("select file_name, status from ops.loads").fetchall())


def test_a_clean_shop_passes_whole(url, shop):
    _, counts = run(url, shop)
    assert counts.quarantined == 0
    assert counts.rows_in == counts.rows_out == sum(len(rows) for day, rows in shop.rows.items() if day <= DAY)
    assert set(load_states(url).values()) == {"accepted"}


@pytest.mark.parametrize(("cell", "value", "reason"), BAD_CELLS.values(), ids=BAD_CELLS)
def test_a_bad_row_is_quarantined_with_file_row_and_reason(url, shop, cell, value, reason):
    shop.rows[DAY][1][cell] = value
    shop.write_day(DAY)
    night, counts = run(url, shop)
    assert counts.quarantined == 1
    (line,) = quarantined_in(url, night.run_id)
    assert line.startswith(f"shop: order_lines_{DAY}.csv.gz, row 2: ")
    assert reason in line
    assert len(value) < 2 or value not in line


def test_a_file_full_of_bad_rows_stops_the_run_and_is_not_accepted(url, shop):
    shop.rows[DAY] = [[*row[:5], "-1.00", *row[6:]] for row in shop.rows[DAY] * 2]
    shop.write_day(DAY)
    with pytest.raises(GateError, match=rf"shop: order_lines_{DAY}\.csv\.gz, row 1: UnitPrice is negative; \d+ of \d+"):
        run(url, shop)
    assert "accepted" not in load_states(url).values()
    with pytest.raises(GateError):  # and again, until a corrected file comes
        run(url, shop)
    shop.rows[DAY] = [[*row[:5], "1.00", *row[6:]] for row in shop.rows[DAY]]
    shop.write_day(DAY)
    _, counts = run(url, shop)
    assert counts.quarantined == 0


def test_guests_and_unknown_countries_are_no_reason_for_quarantine(url, shop):
    shop.rows[DAY][0][6] = shop.rows[DAY][0][7] = shop.rows[DAY][0][2] = ""
    shop.write_day(DAY)
    assert run(url, shop)[1].quarantined == 0


def test_many_guests_warn_and_do_not_block(url, shop):
    for day in shop.rows:
        shop.rows[day] = [[*row[:6], "", row[7]] for row in shop.rows[day]]
    night, _ = run(url, shop.write())
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select expectation, severity from ops.quality_results where run_id = %s and not is_passed", [night.run_id]
        ).fetchall()
    assert rows == [("customers_are_named", "warn")]


def test_a_check_that_cannot_run_counts_as_block(url):
    check = Check("broken", "never mind", "warn", gxe.ExpectColumnValuesToNotBeNull(column="nowhere"))
    outcomes = run_gate(url, "select 1 as load_id, 1 as row_number", [check], KEY)
    assert outcomes[0].severity == "block"
    with pytest.raises(GateError, match="failed to run"):
        require_open("raw", outcomes)


@pytest.mark.parametrize("count", [25, 45])
def test_no_bad_row_is_lost_however_many_there_are(url, tmp_path, count):
    shop = SmallShop(tmp_path / "big", days=2, customers=3000).write()
    for row in shop.rows[shop.last_day][:count]:
        row[3] = "some"
    shop.write_day(shop.last_day)
    night = open_night(url, shop.last_day, "test")
    shop.source.ingest(url, "order_lines", night)
    assert check_raw(url, night).quarantined == count


def test_a_large_file_of_bad_rows_is_refused(url, tmp_path):
    shop = SmallShop(tmp_path / "big", days=2, customers=3000).write()
    for row in shop.rows[shop.last_day]:
        row[3] = "some"
    shop.write_day(shop.last_day)
    night = open_night(url, shop.last_day, "test")
    shop.source.ingest(url, "order_lines", night)
    with pytest.raises(GateError, match=r"(\d+) of \1 rows are broken"):
        check_raw(url, night)
