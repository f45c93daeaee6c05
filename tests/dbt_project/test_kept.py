"""Kept models: after any history of nights their rows are those of working everything out anew, and older runs stay."""

from __future__ import annotations

import os
import random
import shutil
from datetime import date, timedelta

import pytest
import yaml

from kehu.airflow import dbt
from kehu.paths import DBT_PROJECT
from kehu.warehouse.dbt import flags
from kehu.warehouse.runs import open_night
from tests.dbt_project.warehouse import Warehouse, line

MARTS = ("fct_order_lines", "fct_orders", "fct_returns")
KEPT = ("stg_shop__line_loads", "stg_shop__order_lines", "int_invoices__owned", "int_order_lines__classified")
UPSTREAM = ("stg_identity__assignments", *KEPT)
ALL = (*UPSTREAM, "stg_shop__line_accounts", "int_credit_lines__matched", *MARTS)
FIRST = date(2024, 1, 1)
NIGHTS = int(os.environ.get("KEHU_NIGHTS", "30"))


class Shop:
    """Random files, corrections of files, quarantined rows, and customers that merge and split."""

    def __init__(self, warehouse, seed):
        self.warehouse, self.dice, self.invoices, self.rows = warehouse, random.Random(seed), 1000, {}

    def lines(self, day):
        """The lines of a day's file: orders, repetitions, and credits of what was sold before."""
        sold = [row for rows in self.rows.values() for row in rows if int(row["Quantity"]) > 0]
        for _ in range(self.dice.randrange(3, 9)):
            self.invoices += 1
            customer, when = self.dice.choice(["7", "8", "9", ""]), f"{day} {self.dice.randrange(8, 20):02}:00:00"
            for _ in range(self.dice.randrange(1, 4)):
                if sold and self.dice.random() < 0.3:
                    row = self.dice.choice(sold)
                    credit = {"InvoiceNo": f"C{self.invoices}", "InvoiceDate": when}
                    yield row | credit | {"Quantity": f"-{row['Quantity']}"}
                else:
                    product = {"StockCode": self.dice.choice("PQR"), "Quantity": self.dice.choice("12")}
                    row = line(str(self.invoices), customer, when) | product
                    yield from [row] * self.dice.choice([1, 1, 2])

    def send(self, day):
        """Land a day's file, for the first time or again: some lines less, some more, some with another customer."""
        rows = [row for row in self.rows.get(day, []) if self.dice.random() < 0.7]
        rows = [row | {"CustomerID": self.dice.choice(["7", "8"])} if self.dice.random() < 0.2 else row for row in rows]
        self.rows[day] = [*rows, *self.lines(day)]
        self.warehouse.land_columns("shop", "order_lines", self.rows[day], day)

    def quarantine(self):
        """Quarantine any line, or take one out again."""
        if self.dice.random() < 0.5:
            self.warehouse.execute("delete from ops.quarantine where ctid = (select min(ctid) from ops.quarantine)")
        self.warehouse.execute(f"""
            insert into ops.quarantine (load_id, row_number, rule, reason, run_id)
            select _load_id, _row_number, 'rule', 'reason', 1 from raw_shop.order_lines
            order by md5(_load_id || '/' || _row_number || '{self.dice.random()}') limit 1
            on conflict do nothing
        """)

    def identify(self, night):
        """From a night on accounts and single invoices belong to somebody else."""
        self.warehouse.execute(f"""
            update identity.assignments set valid_to = '{night}'
            where valid_from < '{night}' and coalesce(valid_to > '{night}', true);
            delete from identity.assignments where valid_from >= '{night}';
            insert into identity.assignments (kind, record_key, customer_id, valid_from)
            select distinct 'person', 'shop.orders:' || "InvoiceNo",
                'p' || ({self.dice.randrange(1, 5)} * abs(hashtext("InvoiceNo") % 1000)) % 5, date '{night}'
            from raw_shop.order_lines
            where not exists (
                select 1 from identity.assignments as kept
                where kept.record_key = 'shop.orders:' || "InvoiceNo" and kept.valid_to is null
            )
        """)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The kept models alone, without tests: there are many nights here, and dbt reads the project for each."""
    copy = tmp_path_factory.mktemp("kept") / "dbt_project"
    shutil.copytree(
        DBT_PROJECT, copy, ignore=shutil.ignore_patterns("target", "logs", "seeds", "tests", "_exposures.yml")
    )
    for file in (copy / "models").rglob("*.sql"):
        if file.stem not in ALL:
            file.unlink()
    for file in (copy / "models").rglob("*.yml"):
        told = yaml.safe_load(file.read_text())
        models = [model for model in told.get("models", []) if model["name"] in ALL]
        for model in models:
            model.pop("data_tests", None)
            for column in model["columns"]:
                column.pop("data_tests", None)
        sources = {"sources": told["sources"]} if "sources" in told else {}
        file.write_text(yaml.safe_dump({"version": 2, "models": models, **sources}))
    return copy


@pytest.fixture
def build(project, monkeypatch):
    """Build kept models for a night in a run of its own; with another version of the code all is worked out anew."""
    monkeypatch.setattr(dbt, "flags", lambda target: flags(target, project))

    def build_night(warehouse, day, version=None, models=ALL, night=None):
        night = night or open_night(warehouse.url, day, "test")
        with pytest.MonkeyPatch.context() as patch:
            if version:
                patch.setattr("kehu.warehouse.dbt.code_version", lambda: version)
            dbt.build(warehouse.url, night, models)
        return night

    return build_night


def content(warehouse, night):
    return {name: sorted(warehouse.rows(f"select cast(m as text) from {night.schema}.{name} as m")) for name in MARTS}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("is_shuffled", [False, True])
def test_any_history_of_nights_ends_like_working_everything_out_anew(server_url, build, is_shuffled):
    warehouse = Warehouse(server_url)
    shop = Shop(warehouse, seed=3 + is_shuffled)
    days = [FIRST + timedelta(days=n) for n in range(NIGHTS)]
    shop.send(days[0])
    if is_shuffled:
        for day in days[1:]:
            shop.send(day)
        shop.dice.shuffle(days)
    seen, checked = {}, 0
    for number, day in enumerate(days):
        if not is_shuffled and number:
            shop.send(day)
        if shop.dice.random() < 0.6:
            shop.send(shop.dice.choice(days[: number + 1]))
        if shop.dice.random() < 0.4:
            shop.quarantine()
        if shop.dice.random() < 0.4:
            shop.identify(day)
        if shop.dice.random() < 0.15:
            build(warehouse, day, models=UPSTREAM)  # a run that fails on its way
        night = build(warehouse, day)
        seen[night] = content(warehouse, night)
        if number % 10 == 9 or number == len(days) - 1:
            anew = build(warehouse, day, version=f"anew {number}")
            assert content(warehouse, anew) == seen[night]
            checked += 1
    assert checked >= len(days) // 10
    # Each run reads as it did when it was built, whatever came later.
    assert {night: content(warehouse, night) for night in seen} == seen
    assert len({str(marts) for marts in seen.values()}) > len(days) // 2


def test_a_run_does_not_write_after_a_newer_one(server_url, build):
    warehouse = Warehouse(server_url)
    warehouse.land_columns("shop", "order_lines", [line("1", "7")], FIRST)
    older = open_night(warehouse.url, FIRST, "test")
    newer = build(warehouse, FIRST)
    with pytest.raises(dbt.DbtError, match=f"run {older.run_id} is older than the one that built"):
        build(warehouse, FIRST, night=older)
    assert len(content(warehouse, newer)["fct_order_lines"]) == 1


def test_a_night_writes_what_differs(server_url, build):
    warehouse = Warehouse(server_url)
    days = [FIRST + timedelta(days=n) for n in range(3)]
    for n, day in enumerate(days):
        warehouse.land_columns("shop", "order_lines", [line(str(n), "7", f"{day} 10:00:00")], day)
    first, second = build(warehouse, days[1]), build(warehouse, days[2])
    assert [len(content(warehouse, night)["fct_orders"]) for night in (first, second)] == [2, 3]
    written = "select run_from, count(*), count(run_to) from kept.{} group by 1 order by 1"
    for name in ("fct_order_lines", "fct_orders"):
        assert warehouse.rows(written.format(name)) == [(first.run_id, 2, 0), (second.run_id, 1, 0)]
    # The file of the first day comes again, with another price; then nothing happens.
    changed = line("0", "7", f"{days[0]} 10:00:00") | {"UnitPrice": "2.00"}
    warehouse.land_columns("shop", "order_lines", [changed], days[0])
    third, _ = build(warehouse, days[2]), build(warehouse, days[2])
    for name in ("fct_order_lines", "fct_orders"):
        assert warehouse.rows(written.format(name)) == [
            (first.run_id, 2, 1), (second.run_id, 1, 0), (third.run_id, 1, 0),
        ]  # fmt: skip


def test_another_row_of_the_same_load_is_quarantined(server_url, build):
    warehouse = Warehouse(server_url)
    warehouse.land_columns("shop", "order_lines", [line("1", "7"), line("2", "7")], FIRST)
    columns = "insert into ops.quarantine (load_id, row_number, rule, reason, run_id)"
    warehouse.execute(f"{columns} select max(load_id), 1, 'rule', 'reason', 1 from ops.loads")
    orders = "select order_id from {}.fct_orders"
    assert warehouse.rows(orders.format(build(warehouse, FIRST).schema)) == [("2",)]
    warehouse.execute("update ops.quarantine set row_number = 2")
    assert warehouse.rows(orders.format(build(warehouse, FIRST).schema)) == [("1",)]


def test_a_contract_may_gain_a_column_but_not_change_a_type(server_url, build, project):
    warehouse = Warehouse(server_url)
    warehouse.land_columns("shop", "order_lines", [line("1", "7")], FIRST)
    first = build(warehouse, FIRST)
    model = project / "models/marts/transaction/fct_orders.sql"
    contract = project / "models/marts/transaction/_transaction__models.yml"
    before = model.read_text(), contract.read_text()
    try:
        change_order_contract(model, contract)
        second = build(warehouse, FIRST, version="wider")
        rows = [warehouse.rows(f"select * from {night.schema}.fct_orders") for night in (first, second)]
        assert rows[1] == [(*rows[0][0], 7)]
        contract.write_text(contract.read_text().replace("numeric(16,3)", "numeric(18,3)"))
        model.write_text(model.read_text().replace("numeric(16, 3)", "numeric(18, 3)"))
        with pytest.raises(dbt.DbtError, match="changed its type"):
            build(warehouse, FIRST, version="retyped")
        assert warehouse.rows(f"select * from {second.schema}.fct_orders") == rows[1]
    finally:
        model.write_text(before[0])
        contract.write_text(before[1])


def change_order_contract(model, contract):
    """One column more, at the end."""
    model.write_text(
        model.read_text().replace("invoices.order_date\nfrom", "invoices.order_date,\n    7 as lucky\nfrom")
    )
    told = yaml.safe_load(contract.read_text())
    (orders,) = [entry for entry in told["models"] if entry["name"] == "fct_orders"]
    orders["columns"].append({"name": "lucky", "data_type": "integer", "description": "Seven."})
    contract.write_text(yaml.safe_dump(told))
