"""Kept models: after any history of nights their rows are those of working everything out anew, and older runs stay."""

from __future__ import annotations

import os
import random
import re
import shutil
from datetime import date, timedelta
from decimal import Decimal

import pytest
import yaml

from kehu.airflow import dbt
from kehu.paths import DBT_PROJECT
from kehu.warehouse.dbt import flags
from kehu.warehouse.runs import open_night
from tests.dbt_project.warehouse import Warehouse, line

ORDERS = ("fct_order_lines", "fct_orders", "fct_returns", "dim_products")
MARTS = (*ORDERS, "dim_customers", "fct_customer_lifecycle", "fct_customer_segments", "fct_customer_value_months")
KEPT = ("stg_shop__line_loads", "stg_shop__order_lines", "int_customer_records__owned", "int_order_lines__classified")
UPSTREAM = ("stg_identity__assignments", "stg_identity__assignment_periods", *KEPT)
WORKED_OUT = ("stg_shop__line_accounts", "int_credit_lines__matched", "int_orders__valued", "int_products__sold")
# Kept whole, from a good many sources each: here from a table of the test.
WHOLE = {
    "int_company_people__matched": {
        "person_customer_id": "text",
        "company_customer_id": "text",
        "valid_from": "date",
        "valid_to": "date",
    },
    "int_products__costed": {"product_id": "text", "unit_cost": "numeric", "product_category": "text"},
    "fct_payments": {
        "payment_id": "text",
        "customer_id": "text",
        "created_date": "date",
        "fee_amount": "numeric(16,2)",
        "order_id": "text",
    },
    "fct_interactions": {
        "interaction_id": "text",
        "customer_id": "text",
        "started_date": "date",
        "channel": "text",
        "duration_seconds": "integer",
        "purpose": "text",
    },
    "fct_service_requests": {
        "request_id": "text",
        "customer_id": "text",
        "opened_date": "date",
        "channel": "text",
        "request_type": "text",
    },
}
WHOLE["int_identity_versions"] = {
    "record_key": "text",
    **dict.fromkeys(("kind", "source", "entity", "record_id"), "text"),
    "known_at": "timestamptz",
    "recency": "bigint",
    **dict.fromkeys(("name_raw", "country", "birth_raw", "street_raw", "city_raw", "postcode_raw"), "text"),
    **dict.fromkeys(("company_raw", "company_key", "registration_raw", "website", "device", "title"), "text"),
    **dict.fromkeys(("mails_raw", "phones_raw", "keys"), "text[]"),
}
WHOLE["int_identity_employments"] = {
    "record_key": "text",
    "run": "bigint",
    **dict.fromkeys(("company_record_key", "source", "entity", "record_id", "country"), "text"),
    **dict.fromkeys(("company_raw", "company_key"), "text"),
    **dict.fromkeys(("employed_from", "employed_to"), "timestamptz"),
    "mail_raw": "text",
}
DICTIONARIES = tuple(f"stg_identity__normal_{what}" for what in (
    "names", "mails", "phones", "addresses", "births", "companies",
))  # fmt: skip
SEEDS = ("customer_segments", "product_types", "contact_costs", "survivorship")
# Kept for the newest night alone.
NEWEST = {
    "ftr_customer_purchases": "ml_features",
    "ftr_customer_baskets": "ml_features",
    "ftr_order_movements": "ml_features",
    "ftr_compared_snapshots": "ml_features",
    "int_order_records__told": "intermediate",
    "int_identity_values": "intermediate",
    "int_identity_records": "intermediate",
    "int_customer_fields__survived": "intermediate",
    "int_customer_records__counted": "intermediate",
}
ALL = (*UPSTREAM, *WORKED_OUT, *WHOLE, *DICTIONARIES, *MARTS, *NEWEST)
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
        """Land a day's file, for the first time or again: lines less, lines more, and others with other values."""
        rows = [row for row in self.rows.get(day, []) if self.dice.random() < 0.7]
        rows = [row | self.correction(day) if self.dice.random() < 0.3 else row for row in rows]
        self.rows[day] = [*rows, *self.lines(day)]
        self.warehouse.land_columns("shop", "order_lines", self.rows[day], day)

    def correction(self, day):
        """Whose a line was after all, where it went, or that it was sold a day before."""
        return self.dice.choice([
            {"CustomerID": self.dice.choice(["7", "8"])},
            {"Country": self.dice.choice(["France", "Spain"])},
            {"InvoiceDate": f"{day - timedelta(days=1)} 09:00:00"},
        ])  # fmt: skip

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
        """From a night on single invoices and other records belong to somebody else."""
        self.warehouse.execute(f"""
            update identity.assignments set valid_to = '{night}'
            where valid_from < '{night}' and coalesce(valid_to > '{night}', true);
            delete from identity.assignments where valid_from >= '{night}';
            insert into identity.assignments (kind, record_key, customer_id, valid_from)
            select 'person', record_key, 'p' || ({self.dice.randrange(1, 5)} * abs(hashtext(record_key) % 1000)) % 37,
                date '{night}'
            from (
                select 'shop.orders:' || "InvoiceNo" as record_key from raw_shop.order_lines
                union
                select 'r' || number from generate_series(0, 8) as number
            ) as records
            where not exists (
                select 1 from identity.assignments as kept
                where kept.record_key = records.record_key and kept.valid_to is null
            )
        """)

    def disturb(self, night, days):
        """What else a night may find changed, of days that it knows."""
        if self.dice.random() < 0.6:
            self.send(self.dice.choice(days))
        if self.dice.random() < 0.4:
            self.quarantine()
        if self.dice.random() < 0.4:
            self.identify(night)
        if len(days) > 1 and self.dice.random() < 0.6:
            self.contact(self.dice.choice(days))

    def contact(self, day):
        """Payments, calls, cases, costs and what records say come, change and go."""
        number, customer = self.dice.randrange(9), self.dice.choice(["'p1'", "'p2'", "null"])
        duration, product = self.dice.randrange(600), self.dice.choice(["P", "Q", "R"])
        rows = {
            "int_company_people__matched": f"'p{number}', 'c{duration % 2}', '{day}', null",
            "int_products__costed": f"'{product}', {duration / 300}",
            "fct_payments": f"'{number}', {customer}, '{day}', {duration / 100}",
            "fct_interactions": f"'{number}', {customer}, '{day}', 'phone', {duration}, 'service'",
            "fct_service_requests": f"'{number}', {customer}, '{day}', 'mail', 'case'",
            "int_identity_versions": f"'r{number}', 'person', 's', 'e', '{number}', '{day}', 1, '{product}'",
            "int_identity_employments": f"'r{number}', 1, 'r{number}#{duration % 3}', 's', 'e', '{number}', null, "
            f"'{product}', null, '{day}', null, " + self.dice.choice(["null", f"'{product}@x.example'"]),
        }
        for name in self.dice.sample(sorted(rows), 5):
            key = rows[name].split(",")[0]
            self.warehouse.execute(f"delete from public.{name} where {next(iter(WHOLE[name]))} = {key}")
            if self.dice.random() < 0.8:
                self.warehouse.execute(f"insert into public.{name} values ({rows[name]})")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The kept models alone, without tests: there are many nights here, and dbt reads the project for each."""
    copy = tmp_path_factory.mktemp("kept") / "dbt_project"
    unused = shutil.ignore_patterns("target", "logs", "tests", "_exposures.yml", "_seeds__models.yml")
    shutil.copytree(DBT_PROJECT, copy, ignore=unused)
    settings = (copy / "dbt_project.yml").read_text()
    short = {
        "segment_window_days": 9,
        "active_days": 3,
        "lapsed_days": 6,
        "churn_horizon_days": 7,
        "comparison_days": 5,
    }
    for name, days in short.items():
        settings = re.sub(f"{name}: [0-9]+", f"{name}: {days}", settings)
    (copy / "dbt_project.yml").write_text(settings)
    for file in (copy / "seeds").iterdir():
        if file.stem not in SEEDS:
            file.unlink()
    for file in (copy / "models").rglob("*.sql"):
        trim_model(file)
    for file in (copy / "models").rglob("*.yml"):
        file.write_text(yaml.safe_dump(trimmed(yaml.safe_load(file.read_text()))))
    return copy


def trim_model(file):
    """Models that are kept whole read a table of the test; those that are not looked at go."""
    if file.stem in WHOLE:
        config = file.read_text().split(") }}")[0] + ") }}"
        file.write_text(f"{config}\nselect {', '.join(WHOLE[file.stem])} from public.{file.stem}\n")
    elif file.stem not in ALL:
        file.unlink()


def trimmed(told):
    """What a YAML file tells of the models that are left, without tests."""
    models = [model for model in told.get("models", []) if model["name"] in ALL]
    for model in models:
        model.pop("data_tests", None)
        for column in model["columns"]:
            column.pop("data_tests", None)
        if types := WHOLE.get(model["name"]):
            model["columns"] = [{"name": name, "data_type": kind} for name, kind in types.items()]
    sources = {"sources": told["sources"]} if "sources" in told else {}
    return {"version": 2, "models": models, **sources}


@pytest.fixture
def build(project, monkeypatch):
    """Build kept models for a night in a run of its own; with another version of the code all is worked out anew."""
    monkeypatch.setattr(dbt, "flags", lambda target: flags(target, project))

    def build_night(warehouse, day, version=None, models=ALL, night=None):
        night = night or open_night(warehouse.url, day, "test")
        if not warehouse.rows("select 1 from ops.model_states"):
            for name, columns in WHOLE.items():
                shape = ", ".join(f"{column} {kind}" for column, kind in columns.items())
                warehouse.execute(f"create table if not exists public.{name} ({shape})")
            warehouse.execute("insert into identity.normal_names (raw, name_key) values ('P', 'p'), ('Q', 'q')")
            dbt.build(warehouse.url, night, SEEDS)
        with pytest.MonkeyPatch.context() as patch:
            if version:
                patch.setattr("kehu.warehouse.dbt.code_version", lambda: version)
            dbt.build(warehouse.url, night, models)
        return night

    return build_night


def content(warehouse, night):
    return {name: sorted(warehouse.rows(f"select cast(m as text) from {night.schema}.{name} as m")) for name in MARTS}


def newest(warehouse, names=tuple(NEWEST)):
    """What is kept of the newest night alone."""
    query = "select cast(n as text) from {}.{} as n"
    return {name: sorted(warehouse.rows(query.format(NEWEST[name], name))) for name in names}


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
        shop.disturb(day, days[: number + 1])
        if shop.dice.random() < 0.15:
            build(warehouse, day, models=UPSTREAM)  # a run that fails on its way
        night = build(warehouse, day)
        seen[night] = content(warehouse, night)
        if number % 10 == 9 or number == len(days) - 1:
            left = newest(warehouse)
            anew = build(warehouse, day, version=f"anew {number}")
            assert content(warehouse, anew) == seen[night]
            assert newest(warehouse) == left
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


def test_what_took_a_line_back_follows_the_day_on_which_it_was_sold(server_url, build):
    warehouse = Warehouse(server_url)
    days = [FIRST + timedelta(days=n) for n in range(3)]
    credit = line("C2", "7", f"{days[2]} 10:00:00") | {"Quantity": "-1"}
    warehouse.land_columns("shop", "order_lines", [credit], days[2])
    taken_back = "select credit_note_id, order_id, days_since_order from {}.fct_returns"
    for number, sold in ((1, days[1]), (2, days[0])):
        warehouse.land_columns("shop", "order_lines", [line("1", "7", f"{sold} 10:00:00")], days[1])
        assert warehouse.rows(taken_back.format(build(warehouse, days[2]).schema)) == [("C2", "1", number)]


def test_a_purchase_of_any_age_counts_where_it_does_on_the_night(server_url, build):
    warehouse = Warehouse(server_url)
    days = [FIRST + timedelta(days=n) for n in range(400)]
    # Account n bought on day n, some once more; each seventh took it back after four days, as somebody else.
    lines = [line(str(n), str(n), f"{day} 10:00:00") for n, day in enumerate(days)]
    lines += [line(f"9{n}", str(n), f"{days[n + 6 + n % 5]} 10:00:00") for n in range(0, 380, 3)]
    for n in range(3, 396, 7):
        taken_back = {"Quantity": "-1", "InvoiceDate": f"{days[n + 4]} 10:00:00", "InvoiceNo": f"C{n}"}
        lines.append(line(str(n), str(n)) | taken_back)
    warehouse.land_columns("shop", "order_lines", lines, days[0])
    warehouse.execute(f"""
        insert into identity.assignments (kind, record_key, customer_id, valid_from)
        select distinct 'person', 'shop.orders:' || "InvoiceNo", 'other', cast('{FIRST}' as date)
        from raw_shop.order_lines where "InvoiceNo" like 'C%'
    """)
    models = (
        *UPSTREAM,
        *WORKED_OUT,
        "int_products__costed",
        *MARTS[:2],
        "ftr_order_movements",
        "ftr_compared_snapshots",
    )

    def snapshots(day, **options):
        build(warehouse, day, models=models, **options)
        return newest(warehouse, ("ftr_compared_snapshots",))

    seen = {day: snapshots(day) for day in (days[395], days[396], days[399], days[380])}
    for day, rows in seen.items():
        assert rows == snapshots(day, version=f"anew {day}")
        assert len(rows["ftr_compared_snapshots"]) > 600


def test_all_credit_notes_of_an_order_move_its_money(server_url, build):
    warehouse = Warehouse(server_url)
    days = [FIRST + timedelta(days=n) for n in range(3)]
    sold = [line("1", "7", f"{days[0]} 10:00:00") | {"StockCode": code} for code in "PQ"]
    files = [sold]
    for number, row in enumerate(sold, 1):
        credit = {"InvoiceNo": f"C{number}", "Quantity": "-1", "InvoiceDate": f"{days[number]} 10:00:00"}
        files.append([row | credit])
    moved = "select moved_on, amount from ml_features.ftr_order_movements where order_id = '1' order by 1"
    price = Decimal(sold[0]["UnitPrice"])
    for number, rows in enumerate(files):
        warehouse.land_columns("shop", "order_lines", rows, days[number])
        build(warehouse, days[2])
        assert warehouse.rows(moved) == list(zip(days, [2 * price, -price, -price], strict=True))[: number + 1]


def test_a_customer_follows_records_employers_lines_and_the_night(server_url, build):
    warehouse = Warehouse(server_url)
    days = [FIRST + timedelta(days=n) for n in range(3)]
    later = FIRST + timedelta(days=9)
    warehouse.land_columns("shop", "order_lines", [line("1", "7")], FIRST)
    build(warehouse, FIRST)
    warehouse.execute(f"""
        insert into public.int_identity_versions (kind, record_key, recency, name_raw, known_at, mails_raw)
        values ('person', 'r', 1, 'P', '{days[2]} 12:00+00', '{{"p@x"}}');
        insert into identity.normal_mails (raw, mail) values ('p@x', 'p@x');
        insert into identity.assignments (kind, record_key, customer_id, valid_from)
        values ('person', 'r', 'p', '{FIRST}'), ('person', 'shop.orders:2', 'p', '{FIRST}')
    """)

    def known(day, what):
        query = f"select {what} from {build(warehouse, day).schema}.dim_customers where customer_id = 'p'"
        return warehouse.rows(query)[0][0]

    # A night before the first record calls itself the first day.
    for day in (days[1], days[2], days[0]):
        assert known(day, "first_known_date") == day
    assert known(later, "first_known_date") == days[2]
    warehouse.execute(f"insert into public.int_company_people__matched values ('p', 'c', '{FIRST}', null)")
    assert known(later, "company_id") == "c"
    warehouse.execute("update public.int_identity_versions set name_raw = 'Q'")
    assert known(later, "full_name") == "Q"
    # A value that compares wrongly is forgotten as docs/identity.md says.
    assert known(later, "mail") == "p@x"
    warehouse.execute("update identity.normal_mails set mail = null")
    warehouse.execute("delete from ops.model_states where model = 'int_identity_records'")
    assert known(later, "mail") is None
    for country in ("France", "Spain"):
        sold = line("2", "7", f"{later} 10:00:00") | {"Country": country}
        warehouse.land_columns("shop", "order_lines", [sold], later)
        assert known(later, "country") == country


def test_an_order_is_whose_identity_says_on_the_night(server_url, build):
    warehouse = Warehouse(server_url)
    days = [FIRST + timedelta(days=n) for n in range(4)]
    warehouse.land_columns("shop", "order_lines", [line("1", "7")], FIRST)

    def customer(day):
        return warehouse.rows(f"select customer_id from {build(warehouse, day).schema}.fct_orders")[0][0]

    begun = f"('person', 'shop.orders:1', 'p', date '{days[1]}')"
    warehouse.execute(f"insert into identity.assignments (kind, record_key, customer_id, valid_from) values {begun}")
    assert customer(days[1]) == "p"
    assert customer(days[2]) == "p"
    warehouse.execute(f"update identity.assignments set valid_to = '{days[3]}'")
    assert customer(days[3]) == "account 7"
    assert customer(days[1]) == "p"
    # The same night again finds that the record is nobody's.
    warehouse.execute("delete from identity.assignments")
    assert customer(days[1]) == "account 7"


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
