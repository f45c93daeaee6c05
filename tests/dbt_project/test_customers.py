"""Customers of the marts and of the features: as known on the night, and on training dates as known then."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kehu.airflow import retrain
from tests.dbt_project.warehouse import Warehouse, line

NIGHT = date(2024, 6, 30)
THEN = NIGHT - timedelta(days=90)  # the newest training date
ORDERS = {"1": ("7", "2024-03-01"), "2": ("8", "2024-03-02"), "3": ("8", "2024-05-01"), "4": ("9", "2024-03-03")}
ORDERS |= {"5": (None, "2024-03-04")}
FEATURES = """
    select customer_id, count_orders, purchase_amount, days_since_last_purchase
    from ml_features.ftr_customer_snapshots where snapshot_date = '{}' order by 1
"""


@pytest.fixture
def warehouse(server_url):
    """Three accounts and a guest; identity first ran on the night THEN and took accounts 7 and 8 for two people."""
    made = Warehouse(server_url)
    for number, (account, day) in ORDERS.items():
        made.land_columns("shop", "order_lines", [line(number, account, f"{day} 10:00:00")], date.fromisoformat(day))
    made.execute(f"""
        insert into identity.assignments (kind, record_key, customer_id, valid_from) values
            ('person', 'shop.orders:1', 'a', '{THEN}'), ('person', 'shop.orders:2', 'b', '{THEN}'),
            ('person', 'shop.orders:4', 'c', '{THEN}')
    """)
    return made


def merge(warehouse):
    """Tonight b turns out to be a."""
    warehouse.execute(f"""
        update identity.assignments set valid_to = '{NIGHT}' where customer_id = 'b';
        insert into identity.assignments (kind, record_key, customer_id, valid_from) values
            ('person', 'shop.orders:2', 'a', '{NIGHT}'), ('person', 'shop.orders:3', 'a', '{NIGHT}')
    """)


def build(warehouse, day):
    warehouse.build_nodes("+ftr_customer_snapshots", "+dim_customers", day=day)
    (schema,) = warehouse.rows("select max(run_id) from ops.runs")[0]
    return f"run_{schema}"


def test_a_merge_known_only_tonight_changes_the_night_and_no_training_snapshot(warehouse):
    build(warehouse, THEN)
    seen = warehouse.rows(FEATURES.format(THEN))
    assert [row[:2] for row in seen] == [("a", 1), ("b", 1), ("c", 1)]
    merge(warehouse)
    build(warehouse, NIGHT)
    assert warehouse.rows(FEATURES.format(THEN)) == seen
    # b's later order is b's where the label looks, whoever b turns out to be tonight.
    labels = f"select customer_id, has_churned from ml_features.ftr_customer_snapshots where snapshot_date = '{THEN}'"
    assert dict(warehouse.rows(labels)) == {"a": True, "b": False, "c": True}
    # The night and what it is compared with have the same customers.
    for day in (NIGHT, NIGHT - timedelta(days=28)):
        assert [row[:2] for row in warehouse.rows(FEATURES.format(day))] == [("a", 3), ("c", 1)]


def test_before_the_first_night_of_identity_each_account_stands_for_itself(warehouse):
    warehouse.execute(f"update identity.assignments set valid_from = '{THEN}'::date + 1")
    build(warehouse, NIGHT)
    assert [row[0] for row in warehouse.rows(FEATURES.format(THEN))] == ["account 7", "account 8", "account 9"]
    assert [row[0] for row in warehouse.rows(FEATURES.format(NIGHT))] == ["a", "account 8", "b", "c"]


def test_a_night_of_the_past_has_the_customers_of_its_time(warehouse):
    merge(warehouse)
    customers = "select customer_id, count_accounts, count_orders from {}.dim_customers order by 1"
    assert warehouse.rows(customers.format(build(warehouse, NIGHT))) == [("a", 2, 3), ("c", 1, 1)]
    assert warehouse.rows(customers.format(build(warehouse, THEN))) == [("a", 1, 1), ("b", 1, 1), ("c", 1, 1)]


def test_without_identity_each_account_is_a_customer_and_no_money_is_lost(warehouse):
    warehouse.execute("truncate identity.assignments")
    schema = build(warehouse, NIGHT)
    orders = f"select order_id, account_id, customer_id from {schema}.fct_orders order by 1"
    accounts = {number: account for number, (account, _) in ORDERS.items()}
    assert warehouse.rows(orders) == [(n, a, a and f"account {a}") for n, a in accounts.items()]
    assert [row[0] for row in warehouse.rows(FEATURES.format(NIGHT))] == ["account 7", "account 8", "account 9"]


def test_after_a_change_of_the_code_the_views_of_kept_tables_are_there_again(warehouse):
    views = ("ftr_customer_snapshots", "ftr_customer_products")
    count = f"select (select count(*) from ml_features.{views[0]}), (select count(*) from ml_features.{views[1]})"
    night = [f"+{view}" for view in views]
    training = ["+fct_orders", "+int_shop_customers__tracked", *retrain.FEATURES]
    seen = []
    for models in (night, night, training):
        warehouse.build_nodes(*models, day=NIGHT)
        seen += warehouse.rows(count)
        warehouse.execute("update ops.model_states set code_version = 'older'")
    assert seen == [seen[0]] * 3
    assert all(seen[0])


def test_training_dates_are_worked_out_where_something_is_to_be_trained(warehouse):
    dates = "select distinct snapshot_date from ml_features.ftr_customer_snapshots order by 1"
    told = "delete from ml.speakers; insert into ml.speakers values ('{}', 'churn', 90), ('{}', 'value', {})"
    warehouse.execute("update identity.assignments set valid_from = '2024-01-01'")
    build(warehouse, NIGHT)
    trained, features = warehouse.rows(dates), warehouse.rows(FEATURES.format(THEN))
    compared = [(day,) for day in (THEN, NIGHT - timedelta(days=28), NIGHT)]
    assert trained == [*((THEN - timedelta(days=n),) for n in (30, 15)), *compared]  # nobody ordered before
    for horizon, night, seen in ((90, NIGHT, compared), ("null", NIGHT, trained), (60, NIGHT, trained)):
        warehouse.execute(told.format(night, night, horizon))
        build(warehouse, NIGHT)
        assert warehouse.rows(dates) == seen
        assert warehouse.rows(FEATURES.format(THEN)) == features
    warehouse.execute(told.format(THEN, THEN, 90))
    build(warehouse, NIGHT)
    assert warehouse.rows(dates) == trained
