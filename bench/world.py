"""A generated shop: customers who buy at a rate of their own until they drop out, written as daily files.

Purchases follow BG/NBD (r 0.8, alpha 40 days, a 0.8, b 2.5); each order has one to nine lines. Seeded, streamed by day.
"""

from __future__ import annotations

import csv
import gzip
from datetime import date, timedelta
from pathlib import Path

import numpy as np

FIRST_DAY = date(2023, 1, 1)
DAYS = 365
HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]


def write_world(folder: Path, customers: int, lines: int, seed: int = 1) -> date:
    """Write daily files of about `lines` lines by `customers` customers; return the last day."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    buyer, day = _orders(random, customers)
    per_order = max(1, round(lines / len(buyer)))
    number = 600_000
    for offset in range(DAYS):
        today = FIRST_DAY + timedelta(days=offset)
        buyers = buyer[day == offset]
        sizes = (
            random.integers(1, 2 * per_order, endpoint=False, size=len(buyers))
            if per_order > 1
            else np.ones(len(buyers), int)
        )
        with gzip.open(folder / f"order_lines_{today}.csv.gz", "wt", compresslevel=1, newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(HEADER)
            for customer, size in zip(buyers, sizes, strict=True):
                number += 1
                codes = random.integers(10_000, 14_000, size)
                quantities, pence = random.integers(1, 24, size), random.integers(20, 3000, size)
                for code, quantity, price in zip(codes, quantities, pence, strict=True):
                    row = [number, code, f"PRODUCT {code}", quantity, f"{today} 12:00:00", f"{price / 100:.2f}"]
                    writer.writerow([*row, 100_000 + customer, "United Kingdom"])
    return FIRST_DAY + timedelta(days=DAYS - 1)


def _orders(random: np.random.Generator, customers: int) -> tuple[np.ndarray, np.ndarray]:
    """Customer and day (0 to 364) of every order."""
    rate = random.gamma(0.8, 1 / 40.0, customers)
    dropout = random.beta(0.8, 2.5, customers)
    time = random.uniform(0, DAYS, customers)
    alive = np.arange(customers)
    buyers, days = [], []
    while len(alive):
        buyers.append(alive)
        days.append(time[alive].astype(int))
        stays = random.random(len(alive)) >= dropout[alive]
        alive = alive[stays]
        time[alive] += random.exponential(1 / rate[alive])
        alive = alive[time[alive] < DAYS]
    return np.concatenate(buyers), np.concatenate(days)
