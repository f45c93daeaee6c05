"""Order lines: an order's worth divided among goods, returns and cancellations with negative quantities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world.parameters import PARAMETERS
from world.products import Catalogue
from world.trade import CANCELLATION, GUEST, ORDER, RETURN, Invoices, Orders

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """Lines in the order of their invoices; `invoice` is the place in the chunk's invoices, prices are pence."""

    invoice: Ints
    product: Ints
    quantity: Ints
    pence: Ints

    def __len__(self) -> int:
        return len(self.invoice)

    def first_of(self, count_invoices: int) -> Ints:
        """Each invoice's first line; -1 where it has none."""
        first = np.searchsorted(self.invoice, np.arange(count_invoices))
        has = first < len(self)
        has[has] = self.invoice[first[has]] == np.flatnonzero(has)
        return np.where(has, first, -1)


def draw_lines(rng: np.random.Generator, invoices: Invoices, orders: Orders, goods: Catalogue) -> Lines:
    """Draw the lines of all invoices; credit notes repeat lines of the order they refer to."""
    favourite = rng.integers(0, len(goods.categories), int(orders.customer.max(initial=0)) + 1)
    sells = np.flatnonzero((invoices.kind == ORDER) | (invoices.kind == GUEST))
    is_guest = invoices.kind[sells] == GUEST
    worth = np.where(is_guest, rng.gamma(2.0, 12.0, len(sells)) + 1.0, orders.worth[invoices.order[sells]])
    liked = np.where(
        is_guest,
        rng.integers(0, len(goods.categories), len(sells)),
        favourite[orders.customer[invoices.order[sells]]],
    )
    sold = _sold(rng, sells, worth, liked, goods)
    parts = [sold, _credited(sold, invoices, RETURN), _credited(sold, invoices, CANCELLATION)]
    invoice = np.concatenate([part.invoice for part in parts])
    by_invoice = np.argsort(invoice, kind="stable")
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("product", "quantity", "pence")]
    return Lines(invoice[by_invoice], *(column[by_invoice] for column in columns))


def _sold(
    rng: np.random.Generator, sells: Ints, worth: npt.NDArray[np.float64], liked: Ints, goods: Catalogue
) -> Lines:
    """Split each worth at random; quantities near what the list price gives, unit prices so that the sum fits."""
    counts = 1 + rng.poisson(PARAMETERS.lines_per_order - 1.0, len(sells))
    owner = np.repeat(np.arange(len(sells)), counts)
    weights = rng.gamma(2.0, 1.0, len(owner)) + 0.05
    sums = np.bincount(owner, weights, minlength=len(sells))
    part = worth[owner] * weights / sums[owner]
    any_category = rng.integers(0, len(goods.categories), len(owner))
    category = np.where(rng.random(len(owner)) < PARAMETERS.favourite_share, liked[owner], any_category)
    product = goods.draw(rng, category, part)
    quantity = np.maximum(np.rint(part / goods.price[product]), 1).astype(np.int64)
    pence = np.maximum(np.rint(100.0 * part / quantity), 1).astype(np.int64)
    return Lines(sells[owner], product, quantity, pence)


def _credited(sold: Lines, invoices: Invoices, kind: int) -> Lines:
    """A return takes back the order's first line, a cancellation all of them."""
    credits = np.flatnonzero(invoices.kind == kind)
    sales = np.flatnonzero(invoices.kind == ORDER)
    place = np.empty(int(invoices.order.max(initial=0)) + 1, dtype=np.int64)
    place[invoices.order[sales]] = sales
    origin = place[invoices.order[credits]]
    first, last = (np.searchsorted(sold.invoice, origin, side) for side in ("left", "right"))
    counts = np.ones(len(credits), dtype=np.int64) if kind == RETURN else last - first
    owner = np.repeat(np.arange(len(credits)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = first[owner] + within
    return Lines(credits[owner], sold.product[rows], -sold.quantity[rows], sold.pence[rows])
