"""The world, made chunk by chunk: memory holds one chunk and a bounded buffer, however many customers there are."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from world import consents, fxiaoke_work, parameters, places, reference, shop, social, support, surveys, web, zoho_work
from world.chunk import Chunk
from world.companies import draw_companies
from world.facts import tell_facts, tell_purchases
from world.files import Files
from world.lines import draw_lines
from world.parameters import PARAMETERS, PEOPLE_PER_CHUNK, PEOPLE_PER_COMPANY, PROSPECTS_PER_CUSTOMER
from world.payments import tell_payments
from world.people import draw_heads, draw_people
from world.products import catalogue
from world.seeds import generator
from world.sources_file import write_sources
from world.span import Span
from world.trade import Numbering, Trade, draw_trade
from world.truth import Truth

Ints = npt.NDArray[np.int64]
MAX_CUSTOMERS = 4_000_000  # account numbers have seven digits
START, END = date(2023, 1, 1), date(2024, 12, 31)


@dataclass(frozen=True)
class Summary:
    """What was made."""

    folder: Path
    count_customers: int
    count_people: int
    count_companies: int
    count_invoices: int
    count_order_lines: int


def generate(
    customers: int = 10_000,
    seed: int = 1,
    out: Path | str = "world-data",
    start: date = START,
    end: date = END,
    is_gzip: bool = True,
) -> Summary:
    """Write a linked world of `customers` who buy between `start` and `end` (both included) into `out`.

    `out/sources` is what a pipeline may read, `out/truth` what it must find out. Both are replaced; the same
    arguments give the same bytes.

    Raises
    ------
    ValueError
        For fewer than 1 or more than MAX_CUSTOMERS customers, or an end that is not after the start.
    """
    if not 0 < customers <= MAX_CUSTOMERS:
        raise ValueError(f"customers must lie between 1 and {MAX_CUSTOMERS}, not {customers}")
    span, folder = Span(start, end), Path(out)
    for part in ("sources", "truth"):
        shutil.rmtree(folder / part, ignore_errors=True)
    files = Files(folder / "sources", is_gzip)
    shop.write_headers(files, span)
    reference.write_census(files, seed, span)
    reference.write_rates(files, seed, span)
    numbering = Numbering(_invoices_per_day(seed, customers, span))
    counts = np.zeros(4, dtype=np.int64)
    with Truth(folder / "truth") as truth:
        for number, size in enumerate(_sizes(customers)):
            counts += _write_chunk(seed, number, size, customers, span, numbering, files, truth)
    files.flush()
    write_sources(folder, end)
    _write_parameters(folder / "truth", customers, seed, span)
    return Summary(folder, customers, *counts.tolist())


def _sizes(customers: int) -> list[int]:
    """Customers of each chunk."""
    full, rest = divmod(customers, PEOPLE_PER_CHUNK)
    return [PEOPLE_PER_CHUNK] * full + ([rest] if rest else [])


def _invoices_per_day(seed: int, customers: int, span: Span) -> Ints:
    """How many invoices each day has in all chunks, so that numbers can rise with the days."""
    total = np.zeros(span.days, dtype=np.int64)
    for number, size in enumerate(_sizes(customers)):
        invoices = draw_trade(seed, number, size, span).invoices
        total += np.bincount(span.day_of(invoices.at), minlength=span.days)
    return total


def _write_chunk(
    seed: int, number: int, size: int, customers: int, span: Span, numbering: Numbering, files: Files, truth: Truth
) -> Ints:
    """Make one chunk and let every source tell of it; return people, companies, invoices and lines."""
    trade = draw_trade(seed, number, size, span)
    invoices = trade.invoices
    lines = draw_lines(generator(seed, number, "lines"), invoices, trade.orders, catalogue())
    written = shop.invoice_numbers(invoices, numbering.take(span.day_of(invoices.at)))
    chunk = _chunk(seed, number, size, customers, span, trade, files, truth)
    sales = np.flatnonzero(invoices.kind == 0)
    chunk.order_number[invoices.order[sales]] = np.array(written, dtype=object)[sales]
    chunk.order_product[invoices.order[sales]] = lines.product[lines.first_of(len(invoices))[sales]]
    shop.tell_order_lines(chunk, invoices, lines, written)
    tell_payments(chunk, shop.bills(chunk, invoices, lines, written))
    tell_sources(chunk)
    tell_facts(chunk)
    tell_purchases(chunk, trade.purchases, span)
    return np.array([len(chunk.people), len(chunk.companies), len(invoices), len(lines)])


def tell_sources(chunk: Chunk) -> None:
    """Everything but the order lines."""
    shop.tell_accounts(chunk)
    for source in (zoho_work, fxiaoke_work, web, support, surveys, social, consents):
        source.tell(chunk)
    reference.tell_credit(chunk)


def _chunk(
    seed: int, number: int, size: int, customers: int, span: Span, trade: Trade, files: Files, truth: Truth
) -> Chunk:
    rng = generator(seed, number, "people")
    prospects = max(1, round(size * PROSPECTS_PER_CUSTOMER))
    before = number * PEOPLE_PER_CHUNK
    others = customers + round(before * PROSPECTS_PER_CUSTOMER)
    numbers = np.concatenate([before + np.arange(size), others + np.arange(prospects)])
    heads = draw_heads(rng, len(numbers))
    country = places.draw_countries(rng, len(numbers))[heads]
    count_companies = max(places.MADE, len(numbers) // PEOPLE_PER_COMPANY)
    per_chunk = round(PEOPLE_PER_CHUNK * (1 + PROSPECTS_PER_CUSTOMER)) // PEOPLE_PER_COMPANY
    companies = draw_companies(rng, number * per_chunk + np.arange(count_companies))
    people = draw_people(rng, span, numbers, country, heads, companies)
    accounts, order_account = shop.draw_accounts(rng, people, trade.orders, size, span)
    return Chunk(
        seed=seed,
        number=number,
        span=span,
        goods=catalogue(),
        people=people,
        companies=companies,
        accounts=accounts,
        orders=trade.orders,
        order_number=np.full(len(trade.orders), "", dtype=object),
        order_product=np.zeros(len(trade.orders), dtype=np.int64),
        order_account=order_account,
        experiences=trade.experiences,
        count_customers=size,
        files=files,
        truth=truth,
        file_day=span.name,
    )


def _write_parameters(folder: Path, customers: int, seed: int, span: Span) -> None:
    facts = {
        "customers": customers,
        "seed": seed,
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "people_per_chunk": PEOPLE_PER_CHUNK,
        "future_days": parameters.FUTURE_DAYS,
        **asdict(PARAMETERS),
    }
    (folder / "parameters.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
