"""Quarantined rows corrected and replayed, from the gate through staging: each counts once."""

from __future__ import annotations

import csv
import json
from datetime import timedelta

import psycopg
import pytest
import yaml

from expectations.raw_gate import check_raw
from kehu.sources.config import load
from kehu.sources.files import FilesSource
from kehu.sources.kinds import settings_of
from kehu.sources.replay import replay
from kehu.warehouse.replays import ReplayError, waiting
from kehu.warehouse.runs import open_night
from tests.dbt_project.warehouse import Warehouse
from tests.shops import FIRST_DAY, HEADER, SmallShop

DAY = FIRST_DAY + timedelta(days=3)
MODELS = (
    "stg_shop__line_loads", "stg_shop__order_lines", "stg_shop__line_accounts", "stg_payments__payment_versions",
)  # fmt: skip
PAYMENT = {"payment_id": "1", "kind": "payment", "status": "settled", "amount": "1.00", "currency": "GBP"}
STAGED = "select count(*), count(*) filter (where product_id = 'FIXED') from staging.stg_shop__order_lines"


class Installation:
    """A shop and payments, two rows of the shop's last day and one payment broken."""

    def __init__(self, server_url, folder):
        self.warehouse = Warehouse(server_url)
        self.url, self.folder = self.warehouse.url, folder
        self.shop = SmallShop(folder / "shop", days=4).write()
        self.lines = sum(len(rows) for rows in self.shop.rows.values())
        configured = yaml.safe_load(self.shop.sources.read_text())
        entity = {"format": "jsonl", "pattern": "pay.jsonl", "key": "payment_id", "changed_at": "updated_at"}
        configured["sources"]["payments"] = {
            "kind": "files", "location": str(folder), "max_age_days": None, "entities": {"payments": entity},
        }  # fmt: skip
        self.shop.sources.write_text(yaml.safe_dump(configured))
        self.sources = load(self.shop.sources)
        self.good = [list(row) for row in self.shop.rows[DAY]]
        for number in (0, 1):
            self.shop.rows[DAY][number][5] = "5ECRET"
        self.shop.write_day(DAY)
        payments = [PAYMENT, PAYMENT | {"payment_id": "2", "status": "5ECRET"}]
        self.write("pay.jsonl", [one | {"updated_at": f"{DAY}T00:00:00Z"} for one in payments])

    def write(self, name, records):
        path = self.folder / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    def corrected(self, *rows, name="fixed.csv"):
        """A file of the shop's lines with these numbers, as they should have been."""
        path = self.folder / name
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["_row", *HEADER])
            writer.writerows([row, *self.good[row - 1][:1], "FIXED", *self.good[row - 1][2:]] for row in rows)
        return path

    def night(self):
        night = open_night(self.url, DAY, "test")
        for source, entity in (("shop", "order_lines"), ("payments", "payments")):
            FilesSource(source, settings_of(self.sources[source])).ingest(self.url, entity, night)
        return check_raw(self.url, night)

    def replay(self, load_id, path, reason="mistyped"):
        return replay(self.url, self.sources, load_id, path, "anna", reason)


@pytest.fixture(scope="module")
def made(server_url, tmp_path_factory):
    installation = Installation(server_url, tmp_path_factory.mktemp("replay"))
    installation.night()
    return installation


def loads_of(made):
    return {row.source: row.load_id for row in waiting(made.url)}


def test_what_waits_is_told_by_place_and_reason_and_no_value(made):
    rows = waiting(made.url)
    assert [(row.source, row.row_number) for row in rows] == [("shop", 1), ("shop", 2), ("payments", 2)]
    assert "UnitPrice is missing or not a number" in rows[1].reason
    assert "5ECRET" not in str(rows)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("_row,InvoiceNo\n1,2\n", "row 0: the header needs _row"),
        ("{header}\n", "the file has no rows"),
        ("{header}\none,1,2,3,4,5,6,7,8\n", "row 1: _row is not the number"),
        ("{header}\n3,1,2,3,4,5,6,7,8\n", "row 3: no such row waits"),
        ("{header}\n1,1,2,3,4,5,6,7,8\n1,1,2,3,4,5,6,7,8\n", "row 1: the row is there twice"),
    ],
)
def test_a_file_that_does_not_fit_lands_nothing(made, content, reason):
    path = made.folder / "odd.csv"
    path.write_text(content.format(header=",".join(["_row", *HEADER])))
    with pytest.raises(ReplayError, match=reason):
        made.replay(loads_of(made)["shop"], path)
    with psycopg.connect(made.url) as connection:
        assert connection.execute("select count(*) from ops.replays").fetchone() == (0,)


def test_a_replay_needs_a_reason_a_load_and_a_file(made):
    load_id = loads_of(made)["shop"]
    for one, path, reason, told in (
        (load_id, made.corrected(1), " ", "needs a reason"),
        (999, made.corrected(1), "x", "there is no load 999"),
        (load_id, made.folder / "none.csv", "x", "cannot be read"),
    ):
        with pytest.raises(ReplayError, match=told):
            made.replay(one, path, reason)


def test_a_corrected_row_counts_once_and_goes_when_its_file_comes_again(made):
    places = loads_of(made)
    made.replay(places["shop"], made.corrected(1))
    fixed = PAYMENT | {"_row": 2, "payment_id": "2", "updated_at": f"{DAY}T00:00:00Z"}
    made.replay(places["payments"], made.write("fixed.jsonl", [fixed]))
    assert made.night().quarantined == 0
    assert [(row.source, row.row_number) for row in waiting(made.url)] == [("shop", 2)]
    with pytest.raises(ReplayError, match="row 1: no such row waits"):
        made.replay(places["shop"], made.corrected(1))
    made.warehouse.build_nodes(*MODELS, day=DAY)
    assert made.warehouse.rows(STAGED) == [(made.lines - 1, 1)]
    rows = made.warehouse.rows("select payment_id, status from staging.stg_payments__payment_versions order by 1")
    assert rows == [("1", "settled"), ("2", "settled")]
    audit = made.warehouse.rows("select row_number, replayed_by, reason from ops.replays order by replay_load_id")
    assert audit == [(1, "anna", "mistyped"), (2, "anna", "mistyped")]
    counts = "select reason, sum(count_lines) from staging.stg_shop__line_accounts group by 1 order by 1"
    assert made.warehouse.rows(counts) == [("quarantined: unit_price_is_number", 2), ("staged", made.lines - 1)]
    # The whole file, corrected: what corrected rows of the one before counts no longer.
    made.shop.rows[DAY] = made.good
    made.shop.write_day(DAY)
    made.night()
    assert waiting(made.url) == []
    made.warehouse.build_nodes(*MODELS, day=DAY)
    assert made.warehouse.rows(STAGED) == [(made.lines, 0)]


def test_a_correction_that_is_wrong_too_is_quarantined_and_can_be_corrected_again(url, server_url, tmp_path):
    made = Installation(server_url, tmp_path)
    made.night()
    good, made.good[0][3] = made.good[0][3], "none"
    made.replay(loads_of(made)["shop"], made.corrected(1))
    assert made.night().quarantined == 1
    again = [row for row in waiting(made.url) if row.row_number == 1]
    assert [row.reason for row in again] == ["Quantity is missing, zero, or not a whole number of at most 7 digits"]
    made.good[0][3] = good
    made.replay(again[0].load_id, made.corrected(1))
    assert made.night().quarantined == 0
    made.warehouse.build_nodes(*MODELS[:2], day=DAY)
    assert made.warehouse.rows(STAGED) == [(made.lines - 1, 1)]
