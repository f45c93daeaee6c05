"""Payments in several currencies, and what each customer brings and costs by month."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.dbt_project.warehouse import Warehouse, line

NIGHT = date(2024, 3, 31)


def paid(order, amount, currency, status="settled", kind="payment", **more):
    fields = {"kind": kind, "order_number": order, "method": "Card", "status": status, "amount": amount}
    return fields | {"currency": currency, "fee": "0.50", "created_at": "2024-03-09T10:00:00+00:00"} | more


def land_payments(warehouse):
    warehouse.land(
        "payments",
        "payments",
        [
            ("A", "2024-03-09 10:00", paid("1001", "23.00", "CNY", "pending")),
            ("A", "2024-03-10 10:00", paid("1001", "23.00", "CNY", settled_at="2024-03-10T10:00:00Z")),
            ("B", "2024-03-09 10:00", paid("C1003", "2.30", "cny", kind="refund")),
            ("C", "2024-03-09 10:00", paid("7777", "5", "GBP", "Declined", fee="")),
            ("D", "2024-03-09 10:00", paid("1001", "5", "JPY")),
            ("E", "2024-03-09 10:00", paid("1001", "much", "GBP")),
            ("F", "2024-03-09 10:00", paid("1001", "5", "GBP", kind="gift")),
            ("G", "2024-03-09 10:00", paid("1001", "5", "GBP", created_at="then")),
            ("H", "2024-03-09 10:00", paid("1001", "5", "GBP")),
            ("H", "2024-03-12 10:00", None),
            ("K", "2024-03-09 10:00", paid("1001", "5", "GBP")),
            ("I", "2024-03-20 10:00", paid("1002", "4.00", None, method=None, status=None)),
            ("I", "2024-04-01 09:00", paid("1002", "4.00", None, "charged_back")),
            ("J", "2024-04-01 09:00", paid("1002", "4.00", "GBP")),
        ],
    )


@pytest.fixture(scope="module")
def warehouse(server_url):
    warehouse = Warehouse(server_url)
    land_deletion_without_a_time = """
        insert into raw_payments.payments (_load_id, _row_number, _record_id, _is_deleted, _changed_at, record)
        select max(load_id), 99, 'K', true, null, '{}' from ops.loads where source = 'payments'
    """
    rates = {"base_currency": "GBP", "currency": "CNY", "source": "bank"}
    warehouse.land_columns(
        "reference",
        "exchange_rates",
        [{"rate_date": "2024-03-08", "rate": "9.2"} | rates, {"rate_date": "2024-03-11", "rate": "9.9"} | rates],
    )
    land_payments(warehouse)
    warehouse.execute(land_deletion_without_a_time)
    sold = {"StockCode": "85123", "UnitPrice": "10.00"}
    lines = [
        line("1001", "7", "2024-03-08 10:00:00") | sold | {"Quantity": "3"},
        line("1001", "7", "2024-03-08 10:00:00") | {"StockCode": "22222", "UnitPrice": "5.00"},
        line("1001", "7", "2024-03-08 10:00:00") | {"StockCode": "POST", "UnitPrice": "4.00"},
        line("C1003", "7", "2024-03-10 10:00:00") | sold | {"Quantity": "-1"},
        line("C1004", "7", "2024-03-11 10:00:00") | {"StockCode": "D", "UnitPrice": "2.00", "Quantity": "-1"},
        line("1002", "", "2024-02-28 10:00:00") | {"StockCode": "22222", "UnitPrice": "8.00"},
    ]
    warehouse.land_columns("shop", "order_lines", lines, NIGHT)
    warehouse.land("zoho_crm", "Products", [("P1", "2024-01-01 10:00", {"Product_Code": "85123", "Unit_Cost": 4.25})])
    ticket = {"channel": "email", "opened_at": "2024-03-05T10:00:00Z", "status": "open"}
    call = {"direction": "inbound", "started_at": "2024-03-06T10:00:00Z", "duration_seconds": 90}
    warehouse.land("support", "tickets", [("T1", "2024-03-05 10:00", ticket)])
    warehouse.land("support", "calls", [("L1", "2024-03-06 10:00", call)])
    undated = ("V2", "2024-03-07 10:00", {"purpose": "care", "visited_at": "some day"})
    warehouse.land(
        "support",
        "visits",
        [("V1", "2024-03-07 10:00", {"purpose": "care", "visited_at": "2024-03-07T09:00:00Z"}), undated],
    )
    case = {"Status": "New", "Case_Origin": "Chat", "Created_Time": "2024-02-03T10:00:00+00:00"}
    warehouse.land("zoho_crm", "Cases", [("S1", "2024-02-03 10:00", case)])
    keys = ["support.tickets:T1", "support.calls:L1", "zoho_crm.Cases:S1", "shop.orders:1001", "shop.orders:C1003"]
    for key in [*keys, "shop.orders:C1004", "support.visits:V1", "support.visits:V2"]:
        warehouse.execute(
            "insert into identity.assignments (kind, record_key, customer_id, valid_from)"
            f" values ('person', '{key}', 'p7', '2024-01-01')"
        )
    warehouse.build_nodes("+fct_payments", "+fct_customer_value_months", "dim_exchange_rates", day=NIGHT)
    return warehouse


@pytest.fixture(scope="module")
def rows(warehouse):
    ((run,),) = warehouse.rows("select max(run_id) from ops.runs")
    return lambda query: warehouse.rows(query.format(f"run_{run}"))


def test_a_payment_is_what_the_night_knows_of_it_in_both_currencies(rows):
    columns = "payment_id, payment_type, order_id, customer_id, method, status, original_amount, original_currency"
    found = rows(f"select {columns}, amount, settled_amount, fee_amount from {{}}.fct_payments order by 1")
    amount = Decimal
    assert found == [
        # The rate of Friday the 8th holds on Saturday: 23 / 9.2, and a fee of 0.50 / 9.2.
        *[("A", "payment", "1001", "p7", "card", "settled", 23, "CNY", amount("2.5"), amount("2.5"), amount("0.05"))],
        *[
            (
                *("B", "refund", "C1003", "p7", "card", "settled", amount("-2.3"), "CNY"),
                *(amount("-0.25"), amount("-0.25"), amount("0.05")),
            )
        ],
        ("C", "payment", None, None, "card", "declined", 5, "GBP", 5, 0, 0),
        # What became of it after the night is not known; without a currency it is the reporting one.
        ("I", "payment", "1002", None, "unknown", "unknown", 4, "GBP", 4, 0, amount("0.5")),
    ]


def test_each_payment_counts_or_says_why(rows):
    reasons = "select payment_id, exclusion_reason from intermediate.int_payments__converted where {}"
    assert dict(rows(reasons.replace("{}", "exclusion_reason is not null"))) == {
        "D": "no_exchange_rate",
        "E": "unreadable_amount",
        "F": "unknown_type",
        "G": "undated",
        "H": "deleted",
        "K": "deleted",
    }
    known = set("ABCDEFGHIK")  # J came after the night
    assert {key for (key,) in rows("select payment_id from intermediate.int_payments__converted")} == known
    counted = rows("select count(*) from {}.fct_payments")
    assert counted == rows(
        reasons.replace("payment_id, exclusion_reason", "count(*)").format("exclusion_reason is null")
    )


def test_rates_reach_the_night_for_as_long_as_they_tell_something(rows):
    found = rows("select min(valid_date), max(valid_date), count(*), max(exchange_rate) from {}.dim_exchange_rates")
    # From the 8th without a gap; the last rate is of the 11th and holds for 14 days.
    assert found == [(date(2024, 3, 8), date(2024, 3, 25), 18, Decimal("9.9"))]


def test_value_is_benefit_less_cost(rows):
    found = rows("""
        select customer_id, cast(month_start as text), sales_amount, returns_amount, discount_amount, other_amount,
            net_amount, goods_cost_amount, assumed_goods_cost_amount, payment_fee_amount, service_cost_amount,
            contact_cost_amount, value_amount
        from {}.fct_customer_value_months order by 1 nulls last, 2
    """)
    amount = Decimal
    assert found == [
        # A case by chat.
        ("p7", "2024-02-01", 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, -2),
        # Goods: 3 - 1 of 4.25, and 0.6 of 5.00. Service: a mail 2.50, a call 1.50 and 1.5 minutes of 0.60. A visit 45.
        (
            *("p7", "2024-03-01", 35, 10, 2, 4, 27, amount("11.5"), 3),
            *(amount("0.1"), amount("4.9"), 45, amount("27") - amount("11.5") - amount("0.1") - amount("49.9")),
        ),
        (None, "2024-02-01", 8, 0, 0, 0, 8, amount("4.8"), amount("4.8"), 0, 0, 0, amount("3.2")),
        (None, "2024-03-01", 0, 0, 0, 0, 0, 0, 0, amount("0.5"), 0, 0, amount("-0.5")),
    ]
