"""Payments settle what the invoices say, in the payer's currency at the day's rate."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.world.conftest import World


@pytest.fixture(scope="module")
def paid(world: World) -> pd.DataFrame:
    """Settled payments and refunds in pounds, summed by invoice."""
    told = pd.DataFrame([row for _, row in world.rows["payments", "payments"]])
    settled = told[told["status"] == "settled"].drop_duplicates("payment_id")
    lines = pd.DataFrame([row for _, row in world.rows["shop", "order_lines"]])
    worth = lines["Quantity"].astype(int) * lines["UnitPrice"].astype(float)
    invoices = worth.groupby(lines["InvoiceNo"]).sum().rename("worth")
    days = lines.groupby("InvoiceNo")["InvoiceDate"].first().str[:10].rename("day")
    settled = settled.join(invoices, on="order_number").join(days, on="order_number")
    sign = settled["kind"].map({"payment": 1, "refund": -1})
    return settled.assign(signed=sign * settled["amount"].astype(float))


def test_payments_in_pounds_are_the_invoices(paid):
    pounds = paid[paid["currency"] == "GBP"]
    assert len(pounds) > 1000
    assert (pounds["signed"] - pounds["worth"]).abs().max() < 0.006
    assert {"payment", "refund"} == set(pounds["kind"])


def test_payments_abroad_are_worth_the_invoices_at_the_rate_of_the_day(world: World, paid):
    rates = pd.DataFrame([row for _, row in world.rows["reference", "exchange_rates"]])
    table = rates.assign(rate=rates["rate"].astype(float)).pivot(index="rate_date", columns="currency", values="rate")
    every_day = table.reindex(pd.date_range(table.index[0], "2024-12-31").strftime("%Y-%m-%d")).ffill()
    abroad = paid[paid["currency"] != "GBP"]
    assert set(abroad["currency"]) == {"CNY", "EUR", "USD"}
    rate = [every_day.at[day, currency] for day, currency in zip(abroad["day"], abroad["currency"], strict=True)]
    assert (abroad["signed"] - abroad["worth"] * rate).abs().max() < 0.006
    first, *later = sorted(set(rates["rate_date"]))
    assert first == "2023-12-31"
    assert max(pd.to_datetime(later).weekday) == 4


def test_some_attempts_are_declined_and_some_invoices_stay_unpaid(world: World, paid):
    told = pd.DataFrame([row for _, row in world.rows["payments", "payments"]])
    assert {"pending", "settled", "declined", "charged_back"} == set(told["status"])
    invoices = {row["InvoiceNo"] for _, row in world.rows["shop", "order_lines"]}
    assert 0.9 < len(set(paid["order_number"])) / len(invoices) < 1
