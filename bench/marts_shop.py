"""A shop of any size, written by the server itself: accounts, daily files of order lines, and whose they are.

Everything follows from hashes of numbers, so the same sizes give the same rows. Accounts buy with unequal eagerness, an
invoice has 1 to 6 lines (10 for each three invoices), one in fifty takes back the lines of another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import psycopg

from kehu.warehouse.landing import Entry, ensure_column_table, ensure_record_table, next_load_ids, write_ledger
from kehu.warehouse.runs import open_night

DAYS = 365
FIRST = date(2023, 1, 1)
LAST = FIRST + timedelta(days=DAYS - 1)
PRODUCTS = 4_000
LINES_PER_INVOICE = 3.5
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")

# A number between 0 and 1 that follows from another one and a salt.
CHANCE = """
create or replace function pg_temp.chance(number bigint, salt bigint) returns double precision
language sql immutable parallel safe
return (hashint8extended(number, salt) & 4294967295)::double precision / 4294967296
"""

ACCOUNTS = """
insert into raw_shop.accounts (_load_id, _row_number, _record_id, _changed_at, record)
select
    %(load_id)s, number, cast(number as text), timestamptz '2022-12-31 00:00+00',
    jsonb_build_object(
        'name', 'Customer ' || number, 'email', 'c' || number || '@shop.example', 'country', 'United Kingdom',
        'city', 'Town ' || cast(pg_temp.chance(number, 1) * 500 as integer), 'birth_date', null
    )
from generate_series(cast(1 as bigint), cast(%(count)s as bigint)) as number
"""

LINES = """
insert into raw_shop.order_lines (
    _load_id, _row_number, "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice",
    "CustomerID", "Country"
)
with invoices as (
    select
        number,
        %(day)s as day,
        pg_temp.chance(number, 2) < 0.02 and number > 1 as is_credit,
        case when pg_temp.chance(number, 2) < 0.02 and number > 1
            then 1 + cast(floor(pg_temp.chance(number, 3) * (number - 1)) as bigint) else number end as like_number
    from generate_series(cast(%(first)s as bigint), cast(%(last)s as bigint)) as number
),
lines as (
    select
        invoices.*,
        part,
        1 + cast(floor(%(accounts)s * power(pg_temp.chance(like_number, 4), 1.5)) as bigint) as account,
        1 + cast(floor(%(products)s * power(pg_temp.chance(like_number * 7 + part, 5), 2)) as bigint) as product,
        1 + cast(floor(pg_temp.chance(like_number * 7 + part, 6) * 12) as integer) as quantity
    from invoices
    cross join lateral generate_series(1, 1 + cast(floor(pg_temp.chance(like_number, 7) * 6) as integer)) as part
)
select
    cast(%(load_id)s + day as bigint),
    cast(row_number() over (partition by day order by number, part) as integer),
    case when is_credit then 'C' else '' end || number,
    'P' || lpad(cast(product as text), 5, '0'),
    'PRODUCT ' || product,
    cast(case when is_credit then -quantity else quantity end as text),
    cast(date %(begin)s + cast(day as integer) + time '10:00' as text),
    cast(cast(1 + product %% 97 as numeric(12, 2)) as text),
    cast(account as text),
    'United Kingdom'
from lines
"""

OWNERS = """
insert into identity.assignments (kind, record_key, customer_id, valid_from)
select 'person', 'shop.accounts:' || number, 'P-' || number, %(from)s
from generate_series(cast(%(first)s as bigint), cast(%(last)s as bigint)) as number
"""
OWNED = """
insert into identity.assignments (kind, record_key, customer_id, valid_from)
select distinct 'person', 'shop.orders:' || "InvoiceNo", 'P-' || "CustomerID", cast(%(from)s as date)
from raw_shop.order_lines where _load_id >= %(load_id)s
"""


@dataclass(frozen=True)
class Shop:
    """How many accounts there are, and which invoices were written until when."""

    accounts: int
    invoices: int


def open_shop(url: str, accounts: int, lines: int) -> Shop:
    """Land accounts, and about `lines` order lines in a file for each day of a year; everybody is one customer."""
    shop = Shop(accounts, round(lines / LINES_PER_INVOICE))
    run_id = open_night(url, LAST, "bench").run_id
    with psycopg.connect(url) as connection:
        connection.execute(CHANCE)
        ensure_record_table(connection, "raw_shop", "accounts")
        ensure_column_table(connection, "raw_shop", "order_lines", COLUMNS)
        (load_id,) = next_load_ids(connection, 1)
        write_ledger(connection, [Entry(load_id, run_id, "shop", "accounts", FIRST, accounts)])
        connection.execute(ACCOUNTS, {"load_id": load_id, "count": accounts})
        connection.execute(OWNERS, {"first": 1, "last": accounts, "from": FIRST})
        day = f"cast(floor({DAYS} * (number - 1) / {shop.invoices}) as integer)"
        _land(connection, run_id, shop, 1, shop.invoices, FIRST, DAYS, day)
    return shop


def trade_on(url: str, shop: Shop, share: float) -> tuple[date, Shop]:
    """Land the file of one more day with `share` of the lines so far; return the day."""
    day, more = LAST + timedelta(days=1), round(shop.invoices * share)
    run_id = open_night(url, day, "bench").run_id
    with psycopg.connect(url) as connection:
        connection.execute(CHANCE)
        _land(connection, run_id, shop, shop.invoices + 1, shop.invoices + more, day, 1, "0")
    return day, Shop(shop.accounts, shop.invoices + more)


def _land(
    connection: psycopg.Connection, run_id: int, shop: Shop, first: int, last: int, begin: date, days: int, day: str
) -> None:
    load_ids = next_load_ids(connection, days)
    entries = [
        Entry(
            load_id,
            run_id,
            "shop",
            "order_lines",
            begin + timedelta(days=n),
            0,
            f"{n}.csv",
            begin + timedelta(days=n),
            "-",
        )
        for n, load_id in enumerate(load_ids)
    ]
    write_ledger(connection, entries)
    statement = LINES.replace("%(day)s", day).replace("%(begin)s", f"'{begin}'")
    named = {"first": first, "last": last, "accounts": shop.accounts, "products": PRODUCTS, "load_id": load_ids[0]}
    connection.execute(statement, named)
    connection.execute(OWNED, {"from": begin, "load_id": load_ids[0]})
    connection.execute("update ops.loads set status = 'accepted'")
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze raw_shop.order_lines, raw_shop.accounts, identity.assignments")
