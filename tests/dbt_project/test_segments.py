"""Segments by rules: the same periods as following each customer day by day."""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from kehu.paths import DBT_PROJECT
from tests.dbt_project.warehouse import Warehouse, line

FIRST, NIGHT = date(2022, 1, 1), date(2024, 3, 31)
WINDOW = timedelta(days=365)
CUSTOMERS = 12


def orders():
    """(customer, day, amount in whole pounds; negative: a credit note) in no order, near the bounds of the rules."""
    dice = random.Random(7)
    for customer in range(CUSTOMERS):
        for _ in range([1, 3, 8, 60][customer % 4]):
            day = FIRST + timedelta(days=dice.randrange((NIGHT - FIRST).days + 1))
            yield str(customer), day, dice.choice([5, 90, 340, 700, 1900, 6200, -50, -600])


def rules():
    with (DBT_PROJECT / "seeds" / "customer_segments.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def followed(history):
    """(axis, segment, first day, day after) of one customer's orders by going through all days."""
    days = [FIRST + timedelta(days=n) for n in range((NIGHT - FIRST).days + 1)]
    sales = sorted({day for day, amount in history if amount > 0})
    states, periods = {}, []
    for day in days:
        window = [(when, amount) for when, amount in history if when <= day < when + WINDOW]
        level = {
            "net_amount": sum(amount for _, amount in window),
            "count_order_days": len({when for when, amount in window if amount > 0}),
            "first_year": int(bool(sales) and sales[0] <= day < sales[0] + WINDOW),
        }
        for rule in rules():
            key = (rule["axis"], int(rule["segment_rank"]), rule["segment"])
            if level[rule["measure"]] >= Decimal(rule["enters_at"]):
                states[key] = True
            elif level[rule["measure"]] < Decimal(rule["leaves_below"]):
                states[key] = False
        for axis in {rule["axis"] for rule in rules()}:
            held = max(((rank, name) for (a, rank, name), is_in in states.items() if a == axis and is_in), default=None)
            last = next((period for period in reversed(periods) if period[0] == axis), None)
            is_going_on = last is not None and last[3] is None
            if is_going_on and (held is None or held[1] != last[1]):
                last[3] = day
                is_going_on = False
            if held and not is_going_on:
                periods.append([axis, held[1], day, None])
    return {tuple(period) for period in periods}


@pytest.fixture(scope="module")
def rows(server_url):
    warehouse = Warehouse(server_url)
    lines = []
    for number, (customer, day, amount) in enumerate(orders()):
        invoice = f"{'C' if amount < 0 else ''}{1000 + number}"
        quantity = {"Quantity": str(1 if amount > 0 else -1), "UnitPrice": f"{abs(amount)}.00"}
        lines.append(line(invoice, customer, f"{day} 12:00:00") | quantity | {"StockCode": f"P{number}"})
    warehouse.land_columns("shop", "order_lines", lines, NIGHT)
    warehouse.build_nodes("+fct_customer_segments", day=NIGHT)
    ((run,),) = warehouse.rows("select max(run_id) from ops.runs")
    return lambda query: warehouse.rows(query.format(f"run_{run}"))


@pytest.mark.parametrize("customer", [str(n) for n in range(CUSTOMERS)])
def test_periods_are_those_of_following_each_day(rows, customer):
    found = rows(f"""
        select axis, segment, valid_from, valid_to from {{}}.fct_customer_segments
        where customer_id = 'account {customer}'
    """)
    history = [(day, amount) for who, day, amount in orders() if who == customer]
    assert set(found) == followed(history)
    assert len(found) == len(set(found))


def test_the_histories_hold_what_the_rules_are_about(rows):
    counts = dict(rows("select segment, count(*) from {}.fct_customer_segments group by 1"))
    assert set(counts) == {rule["segment"] for rule in rules()}
    assert rows("select count(*) from {}.fct_customer_segments where reason ~ 'falls below'")[0][0] > 5


def test_each_period_tells_its_reason_and_what_was_before(rows):
    wrong = rows("""
        select now.customer_segment_id from {0}.fct_customer_segments as now
        left join {0}.fct_customer_segments as before
            on now.customer_id = before.customer_id and now.axis = before.axis and now.valid_from = before.valid_to
        where now.previous_segment is distinct from before.segment or now.reason !~ '(reaches|falls below) '
            or now.is_current <> (now.valid_to is null)
    """)
    assert wrong == []
