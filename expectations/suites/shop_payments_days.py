"""What a day of the shop's lines must look like beside the payments of its invoices."""

from __future__ import annotations

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "raw_shop.order_lines, by day beside payments"
KEY = ("load_id",)
MAX_HOURS = 0.4


def checks() -> list[Check]:
    """The suite; rows are those above the usual share, as a part of how many there may be."""
    return [
        _within(
            "invoices_are_there",
            "missing",
            1,
            "block",
            "payments of the day name invoices that no file has: lines are missing",
        ),
        _within(
            "amounts_agree",
            "off",
            1,
            "block",
            "payments of the day have other amounts than the lines of their invoices: lines or amounts are wrong",
        ),
        _within(
            "times_agree",
            "hours",
            MAX_HOURS,
            "block",
            "the time from invoice to payment has moved: the clock of one of the two is wrong",
        ),
        _within("invoices_are_paid", "unpaid", 1, "warn", "many more invoices than usual have no payment yet"),
    ]


def _within(rule: str, column: str, limit: float, severity: str, reason: str) -> Check:
    expectation = gxe.ExpectColumnValuesToBeBetween(column=column, min_value=-limit, max_value=limit)
    return Check(rule, reason, severity, expectation)
