"""What a line of the shop's daily files must look like before staging may read it."""

from __future__ import annotations

import great_expectations.expectations as gxe

from expectations.gate import Check

TABLE = "raw_shop.order_lines"
KEY = ("load_id", "row_number")

# Control characters but tab and line ends, zero-width ones, and those that turn the direction of writing.
UNPRINTABLE = r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
QUERY = """
select
    lines._load_id as load_id,
    lines._row_number as row_number,
    coalesce(lines."InvoiceNo", '') as invoice_number,
    coalesce(trim(lines."StockCode"), '') as stock_code,
    concat(lines."InvoiceNo", lines."StockCode", lines."Description", lines."Country") as texts,
    coalesce(lines."Quantity", '') as quantity,
    coalesce(lines."UnitPrice", '') as unit_price,
    coalesce(lines."InvoiceDate", '') as invoice_date,
    coalesce(left(lines."InvoiceDate", 10), '') as invoice_day,
    to_char(loads.file_date, 'YYYY-MM-DD') as file_day,
    lines."CustomerID" as customer_number,
    lines."Country" as country
from raw_shop.order_lines as lines
inner join ops.loads as loads on lines._load_id = loads.load_id
where
    loads.load_id = any(array[{load_ids}]::bigint[])
    -- What no parser could read is quarantined for that alone.
    and lines._row_number <> all(coalesce(loads.unread_rows, '{{}}'))
"""


def _matches(rule: str, column: str, pattern: str, reason: str) -> Check:
    return Check(rule, reason, "quarantine", gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern))


def checks() -> list[Check]:
    """The suite, in the order its results are shown."""
    return [
        _matches(
            "invoice_number_known",
            "invoice_number",
            r"^[AC]?[0-9]{6,10}$",
            "InvoiceNo is missing or not of the form 123456, C123456 or A123456",
        ),
        Check(
            "stock_code_present",
            "StockCode is missing",
            "quarantine",
            gxe.ExpectColumnValuesToNotMatchRegex(column="stock_code", regex="^$"),
        ),
        _matches(
            "quantity_is_whole",
            "quantity",
            r"^-?[1-9][0-9]{0,6}$",
            "Quantity is missing, zero, or not a whole number of at most 7 digits",
        ),
        _matches(
            "unit_price_is_number",
            "unit_price",
            r"^-?[0-9]{1,8}(\.[0-9]{1,3})?$",
            "UnitPrice is missing or not a number with at most 8 digits and 3 decimals",
        ),
        Check(
            "unit_price_not_negative",
            "UnitPrice is negative",
            "quarantine",
            gxe.ExpectColumnValuesToNotMatchRegex(column="unit_price", regex="^-"),
        ),
        _matches(
            "invoice_time_known",
            "invoice_date",
            r"^[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
            "InvoiceDate is missing or not of the form YYYY-MM-DD HH:MM:SS",
        ),
        # The file's day is a real date, so a day that equals it is one too.
        Check(
            "invoice_day_is_file_day",
            "InvoiceDate is not on the file's day",
            "quarantine",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="invoice_day", column_B="file_day"),
        ),
        Check(
            "texts_are_printable",
            "a text has control characters, or characters that nobody sees",
            "quarantine",
            gxe.ExpectColumnValuesToNotMatchRegex(column="texts", regex=UNPRINTABLE),
        ),
        _matches(
            "customer_number_known",
            "customer_number",
            r"^[0-9]{1,12}$",
            "CustomerID is neither empty nor a number",
        ),
        Check(
            "customers_are_named",
            "more than 60 % of the lines have no CustomerID",
            "warn",
            gxe.ExpectColumnValuesToNotBeNull(column="customer_number", mostly=0.4),
        ),
        Check(
            "countries_are_named",
            "more than 5 % of the lines have no Country",
            "warn",
            gxe.ExpectColumnValuesToNotBeNull(column="country", mostly=0.95),
        ),
    ]
