"""What a day of the shop's lines must look like beside the nights before it."""

from __future__ import annotations

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "raw_shop.order_lines, by day"
KEY = ("load_id",)

# Sizes that matter, and sizes that chance does not reach: 200 nights of a linked world of 20,000 customers pass without
# a block or a warning (bench/gates_clean.py). Where a size has two limits, a day is odd that passes both; the column
# has the smaller share of them.
MAX_VOLUME, MAX_VOLUME_SPREADS = 0.6, 4.0  # a logarithm: between 55 and 182 per cent of the weekday's median
# A logarithm too: ten per cent. Large currencies are further apart than that from one another, with few exceptions.
MAX_PRICE_MOVE, MAX_PRICE_ERRORS = 0.1, 6.0
MAX_HOURS = 0.9
MAX_COUNTRIES = 0.25
WARN_NAMELESS, WARN_NAMELESS_SPREADS = 0.05, 4.0
MAX_NAMELESS, MAX_NAMELESS_SPREADS = 0.18, 6.0
# Of 691 nights of that world two pass these limits by chance; five points more in a week are seen in seven of eight.
WARN_POOL, WARN_POOL_SPREADS = 0.025, 2.5
MIN_PRODUCTS = 20  # prices of fewer products tell little


def checks() -> list[Check]:
    """The suite; each column of the query is 0 where there is too little to compare with."""
    return [
        _within(
            "volume_is_usual",
            "volume",
            1,
            "block",
            "the number of lines is far from the same weekday's in the four weeks before",
        ),
        _within(
            "prices_are_usual",
            "price_move",
            1,
            "block",
            "most products' prices moved at once against the four weeks before: another unit or another currency",
        ),
        _within("hours_are_usual", "hours", MAX_HOURS, "block", "the times of day have moved: another time zone"),
        _within(
            "customers_are_not_lost",
            "nameless_block",
            1,
            "block",
            "many more lines than usual have no CustomerID",
        ),
        _within("customers_are_usual", "nameless_warn", 1, "warn", "more lines than usual have no CustomerID"),
        _within(
            "customers_stay_usual",
            "nameless_pool",
            1,
            "warn",
            "more lines have no CustomerID in the last seven days than in the three weeks before",
        ),
        _within(
            "countries_are_usual",
            "countries",
            MAX_COUNTRIES,
            "warn",
            "the countries' shares of the invoices have moved (population stability index above 0.25)",
        ),
    ]


def _within(rule: str, column: str, limit: float, severity: str, reason: str) -> Check:
    return Check(
        rule, reason, severity, gxe.ExpectColumnValuesToBeBetween(column=column, min_value=-limit, max_value=limit)
    )
