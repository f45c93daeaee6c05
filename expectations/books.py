"""The shop's days against what the payment provider tells of them: counts and times by day, and how far one day is off.

What one system says of another's rows is exact where both are right, so a few rows are enough to see that one is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import psycopg

from expectations.drift import MAD_TO_SIGMA, WINDOW_DAYS

# A payment may come so many days after its invoice and still find it among those that are read.
INVOICE_DAYS = 100
MIN_DAYS = 7
MIN_PAIRS = 10  # of a day: payments beside their invoices
IS_THERE = "select to_regclass('raw_payments.payments') is not null and to_regclass('raw_shop.order_lines') is not null"
# The zone that the newest night was built with.
ZONE = "select parameters ->> 'shop_time_zone' from ops.manifests order by run_id desc limit 1"
LOADS = """
select distinct on (file_date) file_date, load_id from ops.loads
where source = 'shop' and entity = 'order_lines' and status = 'accepted' and replays_load_id is null
    and file_date between %s and %s
order by file_date, load_id desc
"""
# A number between the first and the last of its day's invoices is one of theirs: its lines are missing. Another one is
# a payment's own mistake, for which no file of the shop has to wait (expectations/references_gate.py).
# The shop writes its clock's time, or UTC: nothing in a file says which, so both are reckoned with. Its currency is the
# one in which most amounts agree with their lines.
BOOKS = """
with lines as (
    select "InvoiceNo" as number, cast("InvoiceDate" as timestamp) as at,
        cast("Quantity" as numeric) * cast("UnitPrice" as numeric) as amount
    from raw_shop.order_lines
    where _load_id = any(%(loads)s) and pg_input_is_valid("InvoiceDate", 'timestamp')
        and pg_input_is_valid("Quantity", 'numeric') and pg_input_is_valid("UnitPrice", 'numeric')
), invoices as (
    select number, min(at) as at, cast(min(at) as date) as day, sum(amount) as amount from lines group by 1
), versions as (
    select _record_id, trim(record ->> 'order_number') as number, upper(trim(record ->> 'currency')) as currency,
        cast(record ->> 'amount' as numeric) as amount, cast(record ->> 'created_at' as timestamptz) as at,
        row_number() over (partition by _record_id order by _load_id desc, _row_number desc) as recency
    from raw_payments.payments
    where _fault is null and not _is_deleted
        and pg_input_is_valid(record ->> 'created_at', 'timestamptz')
        and pg_input_is_valid(record ->> 'amount', 'numeric')
        and _load_id in (
            select load_id from ops.loads
            where source = 'payments' and entity = 'payments' and status = 'accepted' and as_of_date >= %(first)s
        )
), payments as (
    select number, currency, amount, at at time zone 'UTC' as at, at at time zone %(zone)s as clock,
        cast(at at time zone 'UTC' as date) as day
    from versions where recency = 1 and number <> '' and cast(at at time zone 'UTC' as date) >= %(first)s
), spans as (
    select day, min(nullif(regexp_replace(number, '\\D', '', 'g'), '')::numeric) as lowest,
        max(nullif(regexp_replace(number, '\\D', '', 'g'), '')::numeric) as highest
    from invoices group by 1
), matched as (
    select payments.day, invoices.day = payments.day as is_prompt, invoices.number is null and coalesce(
            nullif(regexp_replace(payments.number, '\\D', '', 'g'), '')::numeric between spans.lowest and spans.highest,
            false
        ) as is_missing,
        payments.currency, abs(payments.amount - abs(invoices.amount)) > 0.01 as is_off,
        extract(epoch from payments.at - invoices.at)::float8 as lag,
        extract(epoch from payments.clock - invoices.at)::float8 as clock_lag
    from payments
    left join invoices on payments.number = invoices.number
    left join spans on payments.day = spans.day
), home as (
    select min(currency) as code from (
        select currency from matched where not is_off group by 1 order by count(*) desc, currency limit 1
    ) as usual
), told as (
    select day, count(*) as payments, count(*) filter (where is_missing) as missing,
        count(*) filter (where is_prompt) as pairs,
        count(*) filter (where is_prompt and currency = home.code) as home_pairs,
        count(*) filter (where is_prompt and currency = home.code and is_off) as off,
        percentile_cont(0.5) within group (order by lag) filter (where is_prompt) as lag,
        percentile_cont(0.5) within group (order by clock_lag) filter (where is_prompt) as clock_lag
    from matched cross join home group by 1
), written as (
    select day, count(*) as invoices, count(*) filter (
        where not exists (select from payments where payments.number = invoices.number and payments.day = invoices.day)
    ) as unpaid
    from invoices where amount <> 0 group by 1
)
select day, coalesce(payments, 0), coalesce(missing, 0), coalesce(pairs, 0), coalesce(home_pairs, 0), coalesce(off, 0),
    coalesce(lag, 0), coalesce(clock_lag, 0), coalesce(invoices, 0), coalesce(unpaid, 0)
from told full join written using (day)
"""


@dataclass(frozen=True)
class Books:
    """One day: payments begun on it, those whose invoice is missing; its invoices, those nobody began to pay on it.

    `count_pairs` are payments beside their invoice of the same day, `count_home_pairs` those in the shop's currency, of
    which `count_off` have another amount. `lag` and `clock_lag` are the median seconds from invoice to payment, by a
    shop that writes UTC and by one that writes its clock's time.
    """

    count_payments: int = 0
    count_missing: int = 0
    count_pairs: int = 0
    count_home_pairs: int = 0
    count_off: int = 0
    lag: float = 0.0
    clock_lag: float = 0.0
    count_invoices: int = 0
    count_unpaid: int = 0


@dataclass(frozen=True)
class Gap:
    """How far a day's books are from those before: rows above the usual share, and how many there may be of them.

    `hours` is what the time between invoice and payment moved by, 0 where it usually moves as much.
    """

    missing: float = 0.0
    max_missing: float = 1.0
    off: float = 0.0
    max_off: float = 1.0
    unpaid: float = 0.0
    max_unpaid: float = 1.0
    hours: float = 0.0


def read_books(url: str, first: date, loads: Mapping[date, int]) -> dict[date, Books]:
    """The books of the days from `first` on; `loads` are the loads that tell of days in place of accepted ones."""
    with psycopg.connect(url) as connection:
        there = connection.execute(IS_THERE).fetchone()
        if not there or not there[0]:
            return {}
        last = max(loads)
        known = dict(connection.execute(LOADS, [last - timedelta(days=INVOICE_DAYS), last]).fetchall()) | dict(loads)
        zone = connection.execute(ZONE).fetchone()
        values = {"loads": list(known.values()), "first": first, "zone": (zone and zone[0]) or "UTC"}
        return {day: Books(*books) for day, *books in connection.execute(BOOKS, values).fetchall()}


def compare_books(day: date, books: Mapping[date, Books]) -> Gap:
    """The gap of one day against the 28 days before it; none where too few of them have payments."""
    now = books.get(day, Books())
    before = [
        known
        for other, known in books.items()
        if 1 <= (day - other).days <= WINDOW_DAYS and known.count_pairs >= MIN_PAIRS
    ]
    if len(before) < MIN_DAYS:
        return Gap()
    # A provider that has told nothing of the day yet is late: that is for its freshness to say.
    is_told = now.count_payments >= MIN_PAIRS
    return Gap(
        *_excess("count_missing", "count_payments", now, before, 0.02),
        *_excess("count_off", "count_home_pairs", now, before, 0.02),
        *(_excess("count_unpaid", "count_invoices", now, before, 0.25) if is_told else (0.0, 1.0)),
        _moved(now, before),
    )


def _excess(part: str, whole: str, now: Books, before: Sequence[Books], share: float) -> tuple[float, float]:
    """Rows above the share that is usual, and how many may be: `share` of all, two, and what chance reaches."""
    usual = sum(getattr(one, part) for one in before) / max(sum(getattr(one, whole) for one in before), 1)
    count, total = getattr(now, part), getattr(now, whole)
    return count - usual * total, max(share * total, 2.5, 4 * math.sqrt(usual * (1 - usual) * total))


def _moved(now: Books, before: Sequence[Books]) -> float:
    """Hours by which the median lag moved, by whichever clock it moved less; 0 within what is usual."""
    if now.count_pairs < MIN_PAIRS:
        return 0.0
    moves = []
    for lag, lags in (
        (now.lag, [one.lag for one in before]),
        (now.clock_lag, [one.clock_lag for one in before]),
    ):
        centre = median(lags)
        usual = 6 * MAD_TO_SIGMA * median(abs(one - centre) for one in lags)
        moves.append((lag - centre) / 3600 if abs(lag - centre) > usual else 0.0)
    return min(moves, key=abs)
