"""When customers buy and for how much: BG/NBD and Gamma-Gamma, drawn (formulas and sources in `world.parameters`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world.parameters import FUTURE_DAYS, Parameters
from world.span import Span

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Purchases:
    """Who buys how: one element a customer, and one element a purchase (sorted by customer and time).

    Times are days since the span's start. `dropped_on` is NaN for customers still alive FUTURE_DAYS after the span.
    """

    rate: Floats
    dropout: Floats
    spend: Floats
    first_on: Floats
    dropped_on: Floats
    count_future: Ints
    customer: Ints
    day: Floats
    is_last: npt.NDArray[np.bool_]
    worth: Floats


def draw_purchases(rng: np.random.Generator, count: int, span: Span, parameters: Parameters) -> Purchases:
    """Draw the purchases of `count` customers whose first one lies in the span."""
    rate = rng.gamma(parameters.r, 1.0 / parameters.alpha, count)
    dropout = rng.beta(parameters.a, parameters.b, count)
    first = span.days * rng.random(count) ** parameters.first_purchase_power
    customer, day, is_last = _draw_times(rng, rate, dropout, first, span.days + FUTURE_DAYS)
    dropped_on = np.full(count, np.nan)
    dropped_on[customer[is_last]] = day[is_last]
    nu = rng.gamma(parameters.spend_q, 1.0 / parameters.spend_v, count)
    is_told = day < span.days
    customer_told = customer[is_told]
    return Purchases(
        rate=rate,
        dropout=dropout,
        spend=parameters.spend_p / nu,
        first_on=first,
        dropped_on=dropped_on,
        count_future=np.bincount(customer[~is_told], minlength=count),
        customer=customer_told,
        day=day[is_told],
        is_last=is_last[is_told],
        worth=np.maximum(rng.gamma(parameters.spend_p, 1.0 / nu[customer_told]), 0.3),
    )


def _draw_times(
    rng: np.random.Generator, rate: Floats, dropout: Floats, first: Floats, days: int
) -> tuple[Ints, Floats, npt.NDArray[np.bool_]]:
    """All purchases before `days`: each customer's next one, round by round, until all have left or time is up."""
    time = first.copy()
    alive = np.arange(len(rate))
    customers, times, lasts = [], [], []
    while len(alive):
        # Nobody drops out with the first purchase: it is not counted in BG/NBD, whose customers all begin alive.
        leaves = (rng.random(len(alive)) < dropout[alive]) & (len(customers) > 0)
        customers.append(alive)
        times.append(time[alive])
        lasts.append(leaves)
        alive = alive[~leaves]
        # A vanishing rate means a wait without end; the guard keeps the division finite.
        time[alive] += rng.exponential(1.0, len(alive)) / np.maximum(rate[alive], 1e-12)
        alive = alive[time[alive] < days]
    customer, day, is_last = np.concatenate(customers), np.concatenate(times), np.concatenate(lasts)
    order = np.lexsort((day, customer))
    return customer[order], day[order], is_last[order]


def expected_purchases(rate: Floats, dropout: Floats, horizon: float) -> Floats:
    """Expected purchases in `horizon` days of a customer alive now whose rate and drop-out are known.

    (1 - exp(-rate × dropout × horizon)) / dropout: Fader, Hardie & Lee (2005), section 3.3.
    """
    safe = np.maximum(dropout, 1e-12)
    return -np.expm1(-rate * safe * horizon) / safe
