"""A chunk's invoices: orders of customers, guests' orders, returns and cancellations; numbers only, no texts.

Deliberately cheap: it is drawn twice, first to number all invoices by day, then to write them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world.experience import RETURNABLE, Experiences, draw_experiences
from world.parameters import PARAMETERS
from world.purchases import Purchases, draw_purchases
from world.seeds import generator
from world.span import DAY, Span, daytime

Ints = npt.NDArray[np.int64]
ORDER, GUEST, RETURN, CANCELLATION = range(4)


@dataclass(frozen=True)
class Orders:
    """Customers' orders, sorted by customer and time; `customer` is the place in the chunk's people."""

    customer: Ints
    at: Ints
    worth: npt.NDArray[np.float64]
    is_last: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True)
class Invoices:
    """All invoices of a chunk in the order of time; `order` is the order behind, -1 for guests."""

    kind: Ints
    order: Ints
    at: Ints

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True)
class Trade:
    """The purchase process's outcome, the orders, what was experienced with them, and the invoices."""

    purchases: Purchases
    orders: Orders
    experiences: Experiences
    invoices: Invoices


def draw_trade(seed: int, chunk: int, customers: int, span: Span) -> Trade:
    """Draw a chunk's trade within the span."""
    purchases = draw_purchases(generator(seed, chunk, "purchases"), customers, span, PARAMETERS)
    rng = generator(seed, chunk, "trade")
    at = daytime(rng, span.begin + purchases.day.astype(np.int64) * DAY)
    orders = Orders(purchases.customer, at, purchases.worth, purchases.is_last)
    experiences = draw_experiences(rng, at, purchases.is_last, PARAMETERS)
    return Trade(purchases, orders, experiences, _invoices(rng, orders, experiences, span))


def _invoices(rng: np.random.Generator, orders: Orders, experiences: Experiences, span: Span) -> Invoices:
    count = len(orders)
    guests = round(count * PARAMETERS.guest_orders)
    guest_at = daytime(rng, span.begin + rng.integers(0, span.days, guests) * DAY)
    is_returnable = (experiences.sentiment < 0) & np.isin(experiences.theme, RETURNABLE)
    returned = np.flatnonzero(is_returnable & (rng.random(count) < PARAMETERS.returned_if_bad))
    returned_at = experiences.felt_at[returned] + rng.integers(2 * DAY, 18 * DAY, len(returned))
    cancelled = np.flatnonzero(~is_returnable & (rng.random(count) < PARAMETERS.cancelled_orders))
    cancelled_at = orders.at[cancelled] + rng.integers(600, 7200, len(cancelled))
    parts = [
        (ORDER, np.arange(count), orders.at),
        (GUEST, np.full(guests, -1), guest_at),
        (RETURN, returned, returned_at),
        (CANCELLATION, cancelled, cancelled_at),
    ]
    kind = np.concatenate([np.full(len(rows), code) for code, rows, _ in parts])
    order, at = np.concatenate([rows for _, rows, _ in parts]), np.concatenate([times for *_, times in parts])
    kept = np.flatnonzero(span.holds(at))
    by_time = kept[np.lexsort((order[kept], kind[kept], at[kept]))]
    return Invoices(kind[by_time], order[by_time], at[by_time])


class Numbering:
    """Invoice numbers that rise from day to day over all chunks, given out chunk by chunk."""

    FIRST = 600_001

    def __init__(self, per_day: Ints) -> None:
        self._next = self.FIRST + np.cumsum(per_day) - per_day

    def take(self, day: Ints) -> Ints:
        """Numbers for invoices whose days (since the start) are in ascending order."""
        first = np.searchsorted(day, day, "left")
        numbers = self._next[day] + np.arange(len(day)) - first
        self._next += np.bincount(day, minlength=len(self._next))
        return numbers
