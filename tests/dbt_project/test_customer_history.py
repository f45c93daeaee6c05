"""The golden record through the nights: what changed when, merges, a night run late, and any past day asked."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from psycopg import sql

from kehu.privacy.sealing import keep_customers
from tests.dbt_project.warehouse import Warehouse, line
from tests.kehu.privacy.worlds import KINDS, VAULT

FIELDS = "customer_id, valid_from, valid_to, change_type, changed_fields, merged_into_customer_id, full_name, country"
# What turns the customers of day 1 into those of the others, worked on a copy of what dbt built.
RENAMED = "update {0} set full_name = 'Ann Baker' where customer_id = 'a'"
MERGED = "delete from {0} where customer_id = 'b'"
MOVED = "update {0} set country = 'Germany', last_order_date = '2024-06-04' where customer_id = 'c'"
CHANGES = {1: [], 2: [RENAMED], 3: [RENAMED, MERGED], 4: [RENAMED, MERGED, MOVED]}


def on(number):
    return date(2024, 6, number)


def newest_schema(made):
    return f"run_{made.rows('select max(run_id) from ops.runs')[0][0]}"


def keep_night(made, number):
    with psycopg.connect(made.url) as connection:
        connection.execute(f"create temporary table customers as select * from {made.customers}")
        for change in CHANGES[number]:
            connection.execute(change.format("pg_temp.customers"))
        keep_customers(connection, sql.Identifier("pg_temp", "customers"), KINDS, on(number), VAULT)


def build_mart(made, number):
    made.build_nodes("stg_history__customers", "stg_identity__merge_log", "dim_customer_history", day=on(number))
    return newest_schema(made)


@pytest.fixture(scope="module")
def built(server_url):
    """a has another name from day 2 on, b turns out to be a on day 3, c moves on day 4; day 2 is run last."""
    made = Warehouse(server_url)
    for number, account in (("1", "a"), ("2", "b"), ("3", "c")):
        day = f"2024-05-0{number}"
        made.land_columns("shop", "order_lines", [line(number, account, f"{day} 10:00:00")], date.fromisoformat(day))
    made.land("shop", "accounts", [("a", "2024-05-01 08:00", {"account_id": "a", "name": "Ann Able"})])
    made.execute("""
        insert into identity.assignments (kind, record_key, customer_id, valid_from) values
            ('person', 'shop.orders:1', 'a', '2024-05-01'), ('person', 'shop.accounts:a', 'a', '2024-05-01'),
            ('person', 'shop.orders:2', 'b', '2024-05-01'), ('person', 'shop.orders:3', 'c', '2024-05-01');
        insert into identity.merge_log (as_of_date, kind, event, customer_id, other_customer_id, count_records)
            values ('2024-06-03', 'person', 'merged', 'b', 'a', 1)
    """)
    made.build_nodes("+dim_customers", day=on(1))
    made.customers = f"{newest_schema(made)}.dim_customers"
    for number in (1, 3, 4):
        keep_night(made, number)
    made.before_late = build_mart(made, 4)
    keep_night(made, 2)
    made.late, made.last = build_mart(made, 2), build_mart(made, 4)
    return made


def history(made, where):
    rows = made.rows(f"select {FIELDS} from {where}.dim_customer_history order by customer_id, valid_from")
    return [(*(row[0], row[1].day, row[2] and row[2].day), *row[3:]) for row in rows]


def test_each_change_is_a_period_and_the_late_night_is_spliced_in(built):
    b = ("b", 1, 3, "created", None, "a", None, "France")
    c = [
        ("c", 1, 4, "created", None, None, None, "France"),
        ("c", 4, None, "changed", "country", None, None, "Germany"),
    ]
    assert history(built, built.before_late) == [
        ("a", 1, 3, "created", None, None, "A. A.", "France"),
        ("a", 3, None, "changed", "full_name", None, "A. B.", "France"),
        b,
        *c,
    ]
    assert history(built, built.last) == [
        ("a", 1, 2, "created", None, None, "A. A.", "France"),
        ("a", 2, None, "changed", "full_name", None, "A. B.", "France"),
        b,
        *c,
    ]


def test_a_night_of_the_past_knows_nothing_of_later_ones(built):
    assert history(built, built.late) == [
        ("a", 1, 2, "created", None, None, "A. A.", "France"),
        ("a", 2, None, "changed", "full_name", None, "A. B.", "France"),
        ("b", 1, None, "created", None, None, None, "France"),
        ("c", 1, None, "created", None, None, None, "France"),
    ]


@pytest.mark.parametrize(
    ("day", "known"),
    [
        (1, {("a", "A. A.", "France"), ("b", None, "France"), ("c", None, "France")}),
        (2, {("a", "A. B.", "France"), ("b", None, "France"), ("c", None, "France")}),
        (3, {("a", "A. B.", "France"), ("c", None, "France")}),
        (5, {("a", "A. B.", "France"), ("c", None, "Germany")}),
    ],
)
def test_any_past_day_can_be_asked(built, day, known):
    asked = f"date '{on(day)}'"
    rows = built.rows(f"""
        select customer_id, full_name, country from {built.last}.dim_customer_history
        where valid_from <= {asked} and (valid_to is null or valid_to > {asked})
    """)
    assert len(rows) == len(known)
    assert set(rows) == known


def test_every_field_of_the_golden_record_is_kept(built):
    """A field that is added to the golden record needs a column in history.customers, by a migration."""
    columns = "select column_name from information_schema.columns where table_schema = '{}' and table_name = '{}'"
    sources = {name for (name,) in built.rows(columns.format(*built.customers.split("."))) if name.endswith("_source")}
    kept = {name for (name,) in built.rows(columns.format("history", "customers"))}
    assert len(sources) > 5
    assert {name.removesuffix("_source") for name in sources} - {"record"} <= kept
