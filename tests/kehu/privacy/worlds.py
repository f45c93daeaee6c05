"""A small warehouse in which people are planted: raw files landed by the real sources, and what nights made of them."""

from __future__ import annotations

import json
from datetime import date

import psycopg
from psycopg import sql

from kehu.privacy.keys import HashKey
from kehu.privacy.sealing import keep_customers
from kehu.privacy.vault import Vault
from kehu.sources.config import load
from kehu.sources.files import FilesSource
from kehu.sources.kinds import settings_of
from kehu.warehouse.runs import Night, open_night

DAY = date(2024, 3, 5)
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
SOURCES = """
sources:
  shop:
    kind: files
    location: {folder}
    entities:
      accounts: {{format: jsonl, pattern: "accounts_{{date}}.jsonl", key: account_id}}
      order_lines: {{format: csv, pattern: "order_lines_{{date}}.csv"}}
  support:
    kind: files
    location: {folder}
    entities:
      tickets: {{format: jsonl, pattern: "tickets_{{date}}.jsonl", key: ticket_id}}
"""
PHONE = "+441632960{:03d}"
KINDS = {"full_name": "name", "mail": "mail", "phone": "phone"}
VAULT = Vault(HashKey("a vault key that only these tests know"))


class World:
    """Customers P-… of number 0, 1, …: an account, an order and a ticket each. Numbers 0 and 1 share a telephone."""

    def __init__(self, url: str, folder, count: int) -> None:
        self.url, self.folder, self.count = url, folder, count
        folder.mkdir()
        self.sources = folder / "sources.yml"
        self.sources.write_text(SOURCES.format(folder=folder))
        self.night = open_night(url, DAY, "test")
        self.write_files(DAY)

    def id(self, number: int) -> str:
        return f"P-{number:016x}"

    def mail(self, number: int) -> str:
        return f"planted.person{number}@example.com"

    def name(self, number: int) -> str:
        return f"Planted Person{number}"

    def phone(self, number: int) -> str:
        return PHONE.format(max(number, 1))

    def records(self, number: int) -> list[str]:
        return [
            f"shop.accounts:{10000 + number}",
            f"shop.orders:{50000 + number}",
            f"support.tickets:T90000{number:04d}",
        ]

    def write_files(self, day: date, extra: str = "") -> None:
        accounts = [
            {"account_id": str(10000 + n), "name": self.name(n), "email": self.mail(n), "phone": self.phone(n)}
            for n in range(self.count)
        ]
        lines = [f"{50000 + n},P{n},THING,1,{day} 10:00:00,1.00,{10000 + n},France" for n in range(self.count)]
        # The last customer's words name the first one.
        tickets = [
            {"ticket_id": f"T90000{n:04d}", "requester": {"name": self.name(n), "email": self.mail(n)},
             "body": f"as told to {self.name(0)}\nthank you" if n == self.count - 1 else "thank you"}
            for n in range(self.count)
        ]  # fmt: skip
        (self.folder / f"accounts_{day}.jsonl").write_text(
            "".join(json.dumps(a | {"x": extra}) + "\n" for a in accounts)
        )
        (self.folder / f"tickets_{day}.jsonl").write_text("".join(json.dumps(t | {"x": extra}) + "\n" for t in tickets))
        (self.folder / f"order_lines_{day}.csv").write_text("\n".join([HEADER, *lines]) + "\n")

    def land(self) -> None:
        """Land what is new in the folder, by the code that nights use."""
        for source in load(self.sources):
            files = FilesSource(source.name, settings_of(source))
            for entity in files.settings.entities:
                files.ingest(self.url, entity, Night(self.night.run_id, DAY))

    def run_night(self) -> None:
        """What a night leaves behind, as far as an erasure asks for it or must clean it."""
        with psycopg.connect(self.url) as connection:
            connection.execute("""
                create table intermediate.int_identity_values (kind text, record_key text, name_raw text,
                    mails_raw text[], phones_raw text[], street_raw text);
                create table intermediate.int_identity_records (kind text, record_key text, mails text[],
                    phones text[], keys text[], devices text[]);
                create table staging.stg_support__tickets as select record from raw_support.tickets;
                create schema if not exists run_1;
                create table run_1.dim_customers as select * from history.customers with no data;
                create table if not exists run_1.rpt_customer_360 (customer_id text, mail text);
                create schema if not exists sandbox_anna;
                create table if not exists sandbox_anna.copied (note text, customers text[]);
            """)
            for number in range(self.count):
                self._tell(connection, number)
            keep_customers(connection, sql.Identifier("run_1", "dim_customers"), KINDS, DAY, VAULT)
            connection.execute("analyze")

    def _tell(self, connection: psycopg.Connection, number: int) -> None:
        customer, mail = self.id(number), self.mail(number)
        for record in self.records(number):
            account = f"shop.account:{10000 + number}"
            connection.execute(
                "insert into intermediate.int_identity_values values ('person', %s, %s, %s, %s, null)",
                [record, self.name(number), [mail.upper()], [self.phone(number)]],
            )
            connection.execute(
                "insert into intermediate.int_identity_records values ('person', %s, %s, %s, %s, '{}')",
                [record, [mail], [self.phone(number)], [account]],
            )
            connection.execute(
                "insert into identity.assignments values ('person', %s, %s, %s)", [record, customer, DAY]
            )
        connection.execute("insert into identity.normal_mails values (%s, %s)", [mail, mail])
        connection.execute(
            "insert into run_1.dim_customers (customer_id, has_purchased, full_name, mail, phone)"
            " values (%s, true, %s, %s, %s)",
            [customer, self.name(number), mail, self.phone(number)],
        )
        connection.execute("insert into run_1.rpt_customer_360 values (%s, %s)", [customer, mail])
        connection.execute("insert into sandbox_anna.copied values (%s, %s)", [f"asked {mail} twice", [customer]])
        connection.execute(
            "insert into ml.customer_segments values (%s, %s, 1, 1, 1, 'x', null, 'v', now())", [DAY, customer]
        )
