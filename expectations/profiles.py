"""Profiles of the shop's daily files, kept in `ops.profiles`: figures only, no value that belongs to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import psycopg
from psycopg.types.json import Jsonb

from expectations.drift import WINDOW_DAYS, Profile
from kehu.warehouse.quarantine import Load
from kehu.warehouse.runs import Night

# A day is judged while it is news; a backlog of years that lands at once is history.
JUDGED_DAYS = 7
DAYS = """
select distinct on (file_date) file_date, load_id from ops.loads
where source = 'shop' and entity = 'order_lines' and replays_load_id is null and file_date between %s and %s
    and (status = 'accepted' or load_id = any(%s))
order by file_date, load_id desc
"""
# What is no time has no hour: the gate has quarantined it, and a profile must not fail on it.
PROFILES = """
with lines as (
    select _load_id, "InvoiceNo" as invoice, "CustomerID" as customer, "Country" as country,
        case when pg_input_is_valid("InvoiceDate", 'timestamp') then cast("InvoiceDate" as timestamp) end as at
    from raw_shop.order_lines where _load_id = any(%s)
), invoices as (
    select _load_id, invoice, min(at) as at, coalesce(min(country), '') as country from lines group by 1, 2
), countries as (
    select _load_id, jsonb_object_agg(country, invoices) as countries
    from (select _load_id, country, count(*) as invoices from invoices group by 1, 2) as counted group by 1
), hours as (
    select _load_id, count(*) as count_invoices,
        percentile_cont(array[0.05, 0.25, 0.5, 0.75, 0.95]) within group (
            order by extract(epoch from cast(at as time))::float8 / 3600
        ) as hours
    from invoices group by 1
)
select lines._load_id, count(*), min(hours.count_invoices), avg((customer is null)::int)::float8,
    min(hours.hours), min(countries.countries::text)::jsonb
from lines
inner join hours on lines._load_id = hours._load_id
inner join countries on lines._load_id = countries._load_id
group by 1
"""
# Lines without a customer are left out: shops sell those at other prices (marketplaces, counters).
PRICES = """
with prices as (
    select _load_id, "StockCode" as product, cast("UnitPrice" as float8) as price from raw_shop.order_lines
    where _load_id = any(%s) and "CustomerID" is not null and "UnitPrice" ~ '^[0-9]{1,8}(\\.[0-9]{1,3})?$'
), by_product as (
    select product,
        percentile_cont(0.5) within group (order by price) filter (where _load_id = %s) as now,
        percentile_cont(0.5) within group (order by price) filter (where _load_id <> %s) as before
    from prices group by 1
)
select ln(now / before) from by_product where now > 0 and before > 0
"""


@dataclass(frozen=True)
class Day:
    """One day's file to judge, and what the days before it looked like; `window` has their loads."""

    load_id: int
    day: date
    profile: Profile
    history: Mapping[date, Profile]
    price_moves: Sequence[float]
    window: Mapping[date, int]


def days_to_judge(url: str, night: Night, loads: Sequence[Load]) -> list[Day]:
    """The newest days among `loads` with their profiles; keeps the profiles that were not known yet.

    `price_moves` has, for each product sold in both, the natural logarithm of its price over its price in the 28 days
    before.
    """
    pending = [load.load_id for load in loads]
    first = night.as_of_date - timedelta(days=WINDOW_DAYS + JUDGED_DAYS)
    with psycopg.connect(url) as connection:
        days: dict[date, int] = dict(connection.execute(DAYS, [first, night.as_of_date, pending]).fetchall())
        waived = {row[0] for row in connection.execute("select load_id from ops.waivers").fetchall()}
        profiles = _profiles(connection, list(days.values()))
        judged = []
        for day, load_id in days.items():
            is_news = day > night.as_of_date - timedelta(days=JUDGED_DAYS)
            if load_id not in pending or not is_news or load_id in waived:
                continue
            window = {other: known for other, known in days.items() if 1 <= (day - other).days <= WINDOW_DAYS}
            history = {other: profiles[known] for other, known in window.items()}
            moves = _price_moves(connection, load_id, list(window.values()))
            judged.append(Day(load_id, day, profiles[load_id], history, moves, window))
    return judged


def _profiles(connection: psycopg.Connection, load_ids: list[int]) -> dict[int, Profile]:
    rows = connection.execute("select load_id, profile from ops.profiles where load_id = any(%s)", [load_ids])
    known = {load_id: _profile(**kept) for load_id, kept in rows.fetchall()}
    lacking = [load_id for load_id in load_ids if load_id not in known]
    # A file without rows has a profile too.
    made = {load_id: Profile(0, 0, 0.0, (), {}) for load_id in lacking}
    for load_id, lines, invoices, share, hours, countries in connection.execute(PROFILES, [lacking]).fetchall():
        made[load_id] = _profile(lines, invoices, share, hours or (), countries)
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.profiles (load_id, profile) values (%s, %s) on conflict do nothing",
            [(load_id, Jsonb(asdict(profile))) for load_id, profile in made.items()],
        )
    return known | made


def _profile(
    count_lines: int,
    count_invoices: int,
    share_without_customer: float,
    hours: Sequence[float],
    countries: Mapping[str, int],
) -> Profile:
    return Profile(count_lines, count_invoices, share_without_customer, tuple(hours), countries)


def _price_moves(connection: psycopg.Connection, load_id: int, before: list[int]) -> list[float]:
    rows = connection.execute(PRICES, [[load_id, *before], load_id, load_id]).fetchall()
    return [float(move) for (move,) in rows]
