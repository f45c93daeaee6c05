"""What hangs on records that move: orders and their money, and customers of each segment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

import psycopg

from ml.identity.settings import Kind

ORDERS = "shop.orders:"
ORDER_LINES = """
    select count(distinct invoice_number), count(*), coalesce(sum(amount), 0)
    from intermediate.int_order_lines__classified
    where exclusion_reason is null and invoice_number = any(%s)
"""
SEGMENTS = """
    select segment, count(*), count(*) filter (where customer_id = any(%s))
    from marts.fct_customer_scores
    group by segment order by segment
"""


@dataclass(frozen=True)
class Orders:
    """Orders and credit notes of the shop whose customer changes, their lines, and what the lines come to."""

    count_orders: int
    count_lines: int
    amount: Decimal


@dataclass(frozen=True)
class SegmentMove:
    """A segment's customers in the published night, and those of them with a record that moves."""

    segment: str
    count_customers: int
    count_moved: int


def moved_orders(url: str, moved: Collection[str], kind: Kind) -> Orders:
    """What moves in the shop's books; companies have no orders of their own."""
    numbers = sorted(key.removeprefix(ORDERS) for key in moved if key.startswith(ORDERS))
    if kind == "company" or not numbers:
        return Orders(0, 0, Decimal(0))
    with psycopg.connect(url) as connection:
        row = connection.execute(ORDER_LINES, [numbers]).fetchone()
    assert row is not None
    return Orders(*row)


def moved_segments(url: str, customers: Collection[str], kind: Kind) -> tuple[SegmentMove, ...]:
    """How many of each segment are among these customers; nothing before the first published night."""
    with psycopg.connect(url) as connection:
        is_there = connection.execute("select to_regclass('marts.fct_customer_scores') is not null").fetchone()
        if kind == "company" or is_there != (True,):
            return ()
        rows = connection.execute(SEGMENTS, [sorted(customers)]).fetchall()
    return tuple(SegmentMove(*row) for row in rows)
