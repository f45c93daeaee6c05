"""Reports and small marts: a customer's screen, moves between segments, the pipeline, returns, channels, regions."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal

import pytest

from kehu.paths import DBT_PROJECT
from tests.dbt_project.warehouse import Warehouse, line

NIGHT = date(2024, 3, 31)
NAMES = (
    "rpt_customer_360",
    "rpt_segment_movements",
    "rpt_sales_pipeline",
    "fct_returns",
    "dim_channels",
    "dim_regions",
)


def land_orders(warehouse):
    lines = [
        line("1001", "7", "2024-03-01 10:00:00") | {"StockCode": "P", "Quantity": "2", "UnitPrice": "10.00"},
        line("1001", "7", "2024-03-01 10:00:00") | {"StockCode": "Q", "Quantity": "1", "UnitPrice": "5.00"},
        # The whole line of P comes back, and a Q more than was ever sold at this price.
        line("C1002", "7", "2024-03-11 10:00:00") | {"StockCode": "P", "Quantity": "-2", "UnitPrice": "10.00"},
        line("C1003", "7", "2024-03-12 10:00:00") | {"StockCode": "Q", "Quantity": "-1", "UnitPrice": "4.00"},
    ]
    warehouse.land_columns("shop", "order_lines", lines, NIGHT)


def land_contacts(warehouse):
    ticket = {"channel": "email", "opened_at": "2024-03-05T10:00:00Z", "status": "open"}
    call = {"direction": "inbound", "started_at": "2024-03-06T10:00:00Z", "duration_seconds": 60}
    complaint = {"channel": "email", "opened_at": "2024-03-04T10:00:00Z", "resolved_at": "2024-03-05T10:00:00Z"}
    tickets = [(name, "2024-03-05 10:00", ticket) for name in ("T1", "T8", "T9", "T10")]
    warehouse.land("support", "tickets", tickets)
    warehouse.land("support", "calls", [("L1", "2024-03-06 10:00", call)])
    warehouse.land("support", "complaints", [("M1", "2024-03-05 10:00", complaint | {"status": "closed"})])
    region = {"region_id": "01", "country": "China", "region": "浙江", "census_year": "2020", "population": "1000"}
    shares = {"median_age_years": "38.5", "median_income_gbp": "9000", "source": "census"}
    rows = [region | shares | {"share_urban": "0.7"}, region | shares | {"region_id": "02", "share_urban": "7"}]
    warehouse.land_columns("reference", "census_regions", rows)


def land_deals(warehouse):
    deal = {"Stage": "Qualification", "Amount": 100, "Currency": "GBP", "Created_Time": "2024-01-10T10:00:00+00:00"}
    deals = [
        ("D1", "2024-01-10 10:00", deal | {"Closing_Date": "2024-03-20"}),
        ("D2", "2024-03-20 10:00", deal | {"Amount": 50, "Created_Time": "2024-03-20T10:00:00+00:00"}),
    ]
    warehouse.land("zoho_crm", "Deals", deals)


def score(warehouse, customer, segment, previous, value, change):
    """What the Python stages leave of a customer on the night."""
    at = f"'{NIGHT}', '{customer}'"
    warehouse.execute(f"""
        insert into ml.customer_segments values
            ({at}, 1, 2, 3, '{segment}', {previous}, 'v', '2024-04-01 00:00+00');
        insert into ml.customer_values (as_of_date, customer_id, horizon_days, expected_purchases, probability_alive,
            expected_order_value, customer_value, previous_customer_value, value_method, model_version, scored_at)
        values
            ({at}, 365, 1.5, 0.5, 10, {value}, {value - change}, 'bg_nbd', 'v', '2024-04-01 00:00+00');
        insert into ml.customer_churn values ({at}, 90, 0.25, 0.5, 'logistic', 'v', '2024-04-01 00:00+00');
    """)


@pytest.fixture(scope="module")
def rows(server_url):
    warehouse = Warehouse(server_url)
    land_orders(warehouse)
    land_contacts(warehouse)
    land_deals(warehouse)
    owned = ("shop.orders:1001", "shop.orders:C1002", "shop.orders:C1003", "support.tickets:T1", "support.calls:L1")
    owners = dict.fromkeys((*owned, "support.complaints:M1"), "p7")
    owners |= {f"support.tickets:T{n}": f"p{n}" for n in (8, 9, 10)}
    for key, customer in owners.items():
        warehouse.execute(
            "insert into identity.assignments (kind, record_key, customer_id, valid_from)"
            f" values ('person', '{key}', '{customer}', '2024-01-01')"
        )
    for customer, segment, previous, value, change in [
        ("p7", "Loyal", "'New'", 30, 10),
        ("p8", "Loyal", "'New'", 5, -1),
        ("p9", "Loyal", "'Loyal'", 7, 0),
        ("p10", "New", "null", 1, 0),
    ]:
        score(warehouse, customer, segment, previous, value, change)
    models = [f"+{name},resource_type:model" for name in NAMES]
    warehouse.build_nodes("resource_type:seed", *models, day=NIGHT)
    ((run,),) = warehouse.rows("select max(run_id) from ops.runs")
    return lambda query: warehouse.rows(query.format(f"run_{run}"))


def test_the_screen_tells_of_one_customer(rows):
    found = rows("""
        select customer_id, count_orders, count_credit_notes, gross_amount, net_amount, count_requests,
            count_open_requests, count_complaints, count_interactions, last_interaction_channel, lifecycle_stage,
            segment, previous_segment, customer_value, churn_probability, loyalty, value_to_date_amount
        from {}.rpt_customer_360 where customer_id = 'p7'
    """)
    # Value: net 1 (25 - 20 - 4), goods 0.6 of it, two mails of 2.50, a call of 1.50 + 0.60.
    value = Decimal("1") - Decimal("0.6") - Decimal("7.1")
    assert found == [
        ("p7", 1, 2, 25, 1, 2, 1, 1, 3, "phone", "new", "Loyal", "New", 30, 0.25, "new", value),
    ]


def test_movements_of_few_customers_are_told_without_figures(rows):
    columns = "from_segment, to_segment, is_movement, count_customers, customer_value, is_suppressed"
    found = rows(f"select {columns}, comparison_date from {{}}.rpt_segment_movements order by 1, 2")
    before = date(2024, 3, 3)
    assert found == [
        ("Loyal", "Loyal", False, None, None, True, before),
        ("New", "Loyal", True, None, None, True, before),
        ("none", "New", True, None, None, True, before),
    ]


def test_the_pipeline_is_compared_with_four_weeks_before(rows):
    found = rows("""
        select source, currency, stage, count_opportunities, amount, previous_count_opportunities, previous_amount,
            median_age_days, max_age_days, count_overdue
        from {}.rpt_sales_pipeline
    """)
    assert found == [("zoho_crm", "GBP", "Qualification", 2, 150, 1, 100, 46.0, 81, 1)]


def test_what_comes_back_names_what_it_takes_back(rows):
    found = rows("""
        select credit_note_id, return_type, order_id, product_id, customer_id, returned_quantity, returned_amount,
            days_since_order
        from {}.fct_returns order by 1
    """)
    assert found == [
        ("C1002", "cancellation", "1001", "P", "p7", 2, 20, 10),
        ("C1003", "return", None, "Q", "p7", 1, 4, None),
    ]


def test_channels_are_those_of_the_seed(rows):
    with (DBT_PROJECT / "seeds" / "channels.csv").open(encoding="utf-8") as file:
        listed = {(row["channel"], row["name_zh"], row["is_personal"] == "true") for row in csv.DictReader(file)}
    assert set(rows("select channel, name_zh, is_personal from {}.dim_channels")) == listed


def test_a_region_without_a_possible_share_keeps_its_other_figures(rows):
    found = rows("select region_id, region, population, share_urban from {}.dim_regions order by 1")
    assert found == [("01", "浙江", 1000, Decimal("0.7")), ("02", "浙江", 1000, None)]
