"""The payment provider: what was paid for each invoice and paid back on each credit note, in the payer's currency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world.chunk import Chunk
from world.reference import CURRENCIES, exchange_rates
from world.seeds import scramble
from world.span import DAY, iso

Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]
METHODS = ("card", "paypal", "alipay", "wechat_pay", "bank_transfer")
METHOD_SHARES = {"CNY": (0.1, 0.0, 0.45, 0.35, 0.1), "GBP": (0.6, 0.25, 0.0, 0.0, 0.15)}
FEE_SHARE, FEE_FIXED = 0.014, 0.2  # of a payment, in its currency; bank transfers cost nothing
DECLINED, CHARGED_BACK, UNPAID = 0.03, 0.002, 0.01
PAID_ABROAD = 0.7  # of those whose country has another currency pay in it
CURRENCY_OF = {"China": "CNY", "USA": "USD", "Germany": "EUR", "France": "EUR", "EIRE": "EUR", "Netherlands": "EUR",
               "Belgium": "EUR", "Spain": "EUR", "Portugal": "EUR", "Italy": "EUR", "Finland": "EUR"}  # fmt: skip


@dataclass(frozen=True)
class Bills:
    """Invoices and credit notes: number as written, when, pence to pay (negative: to pay back), the payer's country."""

    number: Objects
    at: Ints
    pence: Ints
    country: Objects

    def __len__(self) -> int:
        return len(self.number)


def tell_payments(chunk: Chunk, bills: Bills) -> None:
    """Attempts that were declined, payments that settle a little later, pay-backs, and a few that are charged back."""
    rng, count = chunk.rng("payments"), len(bills)
    currency = _currencies(rng, bills)
    method = _methods(rng, currency)
    is_transfer = method == "bank_transfer"
    is_paid = (bills.pence != 0) & ~((rng.random(count) < UNPAID) & (bills.pence > 0))
    # A transfer comes within its terms of payment, all else at once.
    begun = bills.at + np.where(is_transfer, rng.integers(2 * DAY, 32 * DAY, count), rng.integers(5, 300, count))
    settled = begun + rng.integers(DAY, 3 * DAY, count)
    charged = is_paid & (bills.pence > 0) & (method == "card") & (rng.random(count) < CHARGED_BACK)
    charged_at = settled + rng.integers(5 * DAY, 60 * DAY, count)
    is_declined = is_paid & (bills.pence > 0) & ~is_transfer & (rng.random(count) < DECLINED)
    paid, declined, back = np.flatnonzero(is_paid), np.flatnonzero(is_declined), np.flatnonzero(charged)
    versions = [
        (declined, 0, "declined", begun[declined] - 3),
        (paid, 1, "pending", begun[paid]),
        (paid, 1, "settled", settled[paid]),
        (back, 1, "charged_back", charged_at[back]),
    ]
    bill = np.concatenate([rows for rows, *_ in versions])
    attempt = np.concatenate([np.full(len(rows), number) for rows, number, *_ in versions])
    status = np.concatenate([np.full(len(rows), name, dtype=object) for rows, _, name, _ in versions])
    at = np.concatenate([times for *_, times in versions])
    amount = np.round(np.abs(bills.pence) / 100 * _rates(chunk, currency, bills.at), 2)
    fee = np.where(is_transfer | (bills.pence < 0), 0.0, np.round(amount * FEE_SHARE + FEE_FIXED, 2))
    ids = np.array([f"PAY{n}" for n in _numbers(chunk, bills, bill, attempt)], dtype=object)
    started, settled_text, updated = iso(np.where(attempt == 0, at, begun[bill])), iso(settled[bill]), iso(at)
    rows = (
        {
            "payment_id": ids[n],
            "kind": "payment" if bills.pence[b] > 0 else "refund",
            "order_number": bills.number[b],
            "method": method[b],
            "status": status[n],
            "amount": f"{amount[b]:.2f}",
            "currency": currency[b],
            "fee": f"{fee[b] if status[n] in ('settled', 'charged_back') else 0.0:.2f}",
            "created_at": started[n],
            "settled_at": settled_text[n] if status[n] in ("settled", "charged_back") else None,
            "updated_at": updated[n],
        }
        for n, b in enumerate(bill.tolist())
    )
    chunk.emit("payments", "payments", ids, at, rows)


def _currencies(rng: np.random.Generator, bills: Bills) -> Objects:
    home = np.array([CURRENCY_OF.get(country, "GBP") for country in bills.country.tolist()], dtype=object)
    return np.where(rng.random(len(bills)) < PAID_ABROAD, home, "GBP")


def _methods(rng: np.random.Generator, currency: Objects) -> Objects:
    draw = rng.random(len(currency))
    chosen = np.empty(len(currency), dtype=object)
    for is_chinese, shares in ((True, METHOD_SHARES["CNY"]), (False, METHOD_SHARES["GBP"])):
        rows = np.flatnonzero((currency == "CNY") == is_chinese)
        place = np.minimum(np.searchsorted(np.cumsum(shares), draw[rows], "right"), len(METHODS) - 1)
        chosen[rows] = np.array(METHODS, dtype=object)[place]
    return chosen


def _rates(chunk: Chunk, currency: Objects, at: Ints) -> npt.NDArray[np.float64]:
    """Units of each bill's currency that one pound was worth on its day."""
    days = chunk.span.day_of(at)
    rates = np.ones(len(at))
    for number, code in enumerate(CURRENCIES):
        rows = currency == code
        rates[rows] = exchange_rates(chunk.seed, chunk.span)[days[rows], number]
    return rates


def _numbers(chunk: Chunk, bills: Bills, bill: Ints, attempt: Ints) -> list[int]:
    """Unique numbers from the bill's own number and the attempt."""
    own = np.array([int(number.lstrip("CA")) for number in bills.number.tolist()], dtype=np.int64)
    return scramble(2 * own[bill] + attempt, 1_000_000_000, "payment").tolist()
