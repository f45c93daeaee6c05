"""Records that name an invoice: without it they wait, and are let in when it comes."""

from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest

from expectations.raw_gate import check_raw
from kehu.sources.files import FilesSource
from kehu.sources.files_settings import FilesSettings
from kehu.warehouse.runs import open_night
from tests.shops import FIRST_DAY, SmallShop

PAYMENT = {"kind": "payment", "status": "settled", "amount": "1.00", "currency": "GBP"}


@pytest.fixture
def night(url, tmp_path):
    """Land a shop of 50 days up to a day, payments and tickets; return what the gate counts."""
    shop = SmallShop(tmp_path / "shop", days=51).write()

    def night(day, payments=(), tickets=()):
        opened = open_night(url, FIRST_DAY + timedelta(days=day), "test")
        for source, entity, numbers in (("payments", "payments", payments), ("support", "tickets", tickets)):
            folder = tmp_path / source
            folder.mkdir(exist_ok=True)
            rows = [
                PAYMENT | {"id": f"{day}-{place}", "at": f"{opened.as_of_date}", "order_number": number}
                for place, number in enumerate(numbers, 1)
            ]
            (folder / f"{opened.as_of_date}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            one = {"format": "jsonl", "pattern": "{date}.jsonl", "key": "id", "changed_at": "at"}
            settings = FilesSettings.model_validate({"location": str(folder), "entities": {entity: one}})
            FilesSource(source, settings).ingest(url, entity, opened)
        shop.source.ingest(url, "order_lines", opened)
        return check_raw(url, opened).quarantined

    night.numbers = lambda day: [line[0] for line in shop.rows[FIRST_DAY + timedelta(days=day)]]
    return night


def waiting(url):
    with psycopg.connect(url) as connection:
        rows = connection.execute("select row_number, rule from ops.quarantine order by 1").fetchall()
        values = connection.execute("select row_number, field, rule from ops.quarantined_values order by 1").fetchall()
    return rows, values


def test_orphans_wait_and_are_let_in_when_their_invoice_comes(url, night):
    tomorrows, todays = night.numbers(49)[0], night.numbers(48)[0]
    numbers = [todays, tomorrows, None, "999"]
    assert night(48, payments=numbers, tickets=numbers) == 2
    orphans = [(2, "invoice_is_there"), (4, "invoice_is_there")]
    values = [(place, "order_number", "named_invoice_is_there") for place in (2, 4)]
    assert waiting(url) == (orphans, values)
    assert night(49) == 0
    assert waiting(url) == (orphans[1:], values[1:])


def test_what_may_be_about_invoices_from_before_the_shops_files_is_not_judged(url, night):
    assert night(44, payments=["1"]) == 0
    assert night(45, payments=["1"]) == 1
