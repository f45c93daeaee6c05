"""The shipped sample: invented people behind every fifth real customer number of the UCI shop, in the shop's own year.

`python -m world.sample` rebuilds it. The real order lines (`sample/shop/order_lines_*`) are read, never written; files
are few: one a month and entity, named by the last day it tells of.
"""

from __future__ import annotations

import calendar
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer

from world import places, reference
from world.chunk import Accounts, Chunk
from world.companies import draw_companies
from world.experience import draw_experiences
from world.facts import tell_facts
from world.files import Files
from world.generate import tell_sources
from world.parameters import PARAMETERS
from world.payments import Bills, tell_payments
from world.people import draw_heads, draw_people
from world.products import Catalogue
from world.seeds import generator
from world.span import DAY, Span
from world.trade import Orders
from world.truth import Truth

Ints = npt.NDArray[np.int64]
ROOT = Path(__file__).resolve().parents[1]
SAMPLE, TRUTH = ROOT / "sample", ROOT / "tests" / "data" / "sample_truth"
SPAN = Span(date(2010, 12, 1), date(2011, 12, 9))
SEED = 2011
EVERY = 5  # of the sorted customer numbers
SHARED_OWNER = 0.05  # accounts that belong to somebody who has another one
PROSPECTS = 130
COMPANIES = 170
CHINESE_ABROAD = 0.25
GOODS = 300  # best-selling products that the CRM and the web site know
SILENT_DAYS = 90  # whoever bought nothing for so long at the end counts as gone when experiences are made up


@dataclass(frozen=True)
class RealShop:
    """The chosen customers' real invoices (one row each) and the shop's best-selling goods."""

    invoices: pd.DataFrame
    goods: Catalogue


def read_shop(folder: Path) -> RealShop:
    """Read the real order lines."""
    files = sorted((folder / "shop").glob("order_lines_*.csv.gz"))
    lines = pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files], ignore_index=True)
    lines["pence"] = (lines["Quantity"].astype(int) * lines["UnitPrice"].astype(float) * 100).round()
    is_product = lines["StockCode"].str.match(r"^\d{5}") & (lines["pence"] > 0)
    goods = _goods(lines[is_product])
    customers = sorted(set(lines["CustomerID"]) - {""})[::EVERY]
    kept = lines[lines["CustomerID"].isin(customers)]
    invoices = kept.groupby("InvoiceNo", sort=True).agg(
        account=("CustomerID", "first"),
        at=("InvoiceDate", "min"),
        pence=("pence", "sum"),
        code=("StockCode", "first"),
        country=("Country", "first"),
    )
    return RealShop(invoices.reset_index(), goods)


def _goods(lines: pd.DataFrame) -> Catalogue:
    """The products with the most lines, without categories of their own."""
    top = lines.groupby("StockCode").agg(
        name=("Description", "first"), price=("UnitPrice", "first"), count=("pence", "size")
    )
    top = top.sort_values("count", ascending=False, kind="stable").head(GOODS).reset_index()
    price = top["price"].astype(float)
    top = top.assign(price=price).sort_values(["price", "StockCode"])
    names = top["name"].str.strip().to_numpy(dtype=object)
    zeros = np.zeros(len(top), dtype=np.int64)
    return Catalogue(
        top["StockCode"].to_numpy(dtype=object), names, names, zeros, top["price"].to_numpy(float), ("gifts",)
    )


def build(sample: Path = SAMPLE, truth_folder: Path = TRUTH, source: Path = SAMPLE) -> int:
    """Write the sample's invented part into `sample` around the real lines in `source`; return how many people."""
    _clear(sample)
    shop = read_shop(source)
    files = Files(sample, level=9)
    reference.write_census(files, SEED, SPAN)
    reference.write_rates(files, SEED, SPAN)
    with Truth(truth_folder) as truth:
        chunk = _chunk(shop, files, truth)
        _tell_invoices(chunk, shop, truth)
        tell_payments(chunk, _bills(shop))
        tell_sources(chunk)
        tell_facts(chunk)
    files.flush()
    (truth_folder / "purchases_truth.parquet").unlink()  # nobody knows the real customers' process
    return len(chunk.people)


def _clear(sample: Path) -> None:
    """Remove what was generated before; the real lines stay."""
    for name in ("zoho_crm", "fxiaoke", "web", "support", "surveys", "social", "consents", "payments", "reference"):
        shutil.rmtree(sample / name, ignore_errors=True)
    for file in (sample / "shop").glob("accounts_*.jsonl.gz"):
        file.unlink()


def _month_end(day: int) -> str:
    """The last day of the month of a day of the span, at most the span's last."""
    text = SPAN.name(day)
    year, month = int(text[:4]), int(text[5:7])
    return min(date(year, month, calendar.monthrange(year, month)[1]), SPAN.end).isoformat()


def _owners(rng: np.random.Generator, country: Ints) -> Ints:
    """The person of each account; a few belong to the owner of an earlier one in the same country."""
    owner = np.arange(len(country))
    for account in np.flatnonzero(rng.random(len(country)) < SHARED_OWNER).tolist():
        earlier = np.flatnonzero(country[:account] == country[account])
        if len(earlier):
            owner[account] = owner[rng.choice(earlier)]
    return np.unique(owner, return_inverse=True)[1]


def _orders(shop: RealShop, account: Ints, owner: Ints) -> tuple[Orders, pd.DataFrame, Ints]:
    """The real orders of each person in the order of time, their rows, and the account of each."""
    sales = shop.invoices["InvoiceNo"].str.isdigit() & (shop.invoices["pence"] > 0)
    rows = shop.invoices[sales].assign(account_row=account[sales.to_numpy()])
    rows["at_s"] = pd.to_datetime(rows["at"]).to_numpy().astype("datetime64[s]").astype(np.int64)
    rows["person"] = owner[rows["account_row"]]
    rows = rows.sort_values(["person", "at_s", "InvoiceNo"])
    person, at = rows["person"].to_numpy(), rows["at_s"].to_numpy()
    is_last = np.append(person[1:] != person[:-1], True) & (at < SPAN.until - SILENT_DAYS * DAY)
    return Orders(person, at, rows["pence"].to_numpy() / 100, is_last), rows, rows["account_row"].to_numpy()


def _chunk(shop: RealShop, files: Files, truth: Truth) -> Chunk:
    rng = generator(SEED, 0, "people")
    ids, first = np.unique(shop.invoices["account"].to_numpy(dtype=str), return_index=True)
    account = np.searchsorted(ids, shop.invoices["account"].to_numpy(dtype=str))
    land = np.array([places.BY_NAME[name] for name in shop.invoices["country"].iloc[first]])
    owner = _owners(rng, land)
    count = int(owner.max()) + 1
    country = np.zeros(count, dtype=np.int64)
    country[owner] = land
    country = np.concatenate([country, places.draw_countries(rng, PROSPECTS)])
    lands = np.sort(
        np.concatenate([np.zeros(COMPANIES // 3, dtype=np.int64), rng.choice(country, COMPANIES - COMPANIES // 3)])
    )
    companies = draw_companies(rng, np.arange(COMPANIES), lands)
    heads = draw_heads(rng, len(country))
    people = draw_people(rng, SPAN, np.arange(len(country)), country, heads, companies, CHINESE_ABROAD)
    orders, rows, order_account = _orders(shop, account, owner)
    code = {code: n for n, code in enumerate(shop.goods.code)}
    product = np.array([code.get(c, -1) for c in rows["code"]])
    return Chunk(
        seed=SEED,
        number=0,
        span=SPAN,
        goods=shop.goods,
        people=people,
        companies=companies,
        accounts=Accounts(ids.astype(object), owner, _registered(rng, shop, account)),
        orders=orders,
        order_number=rows["InvoiceNo"].to_numpy(dtype=object),
        order_product=np.where(product >= 0, product, rng.integers(0, len(code), len(product))),
        order_account=order_account,
        experiences=draw_experiences(rng, orders.at, orders.is_last, PARAMETERS),
        count_customers=count,
        files=files,
        truth=truth,
        file_day=_month_end,
    )


def _registered(rng: np.random.Generator, shop: RealShop, account: Ints) -> Ints:
    """An account is registered within the hour before its first invoice."""
    at = pd.to_datetime(shop.invoices["at"]).to_numpy().astype("datetime64[s]").astype(np.int64)
    first = np.full(int(account.max()) + 1, SPAN.until)
    np.minimum.at(first, account, at)
    return first - rng.integers(300, 3600, len(first))


def _tell_invoices(chunk: Chunk, shop: RealShop, truth: Truth) -> None:
    """Who is behind each real invoice of the chosen customers."""
    owner = dict(zip(chunk.accounts.account_id, chunk.accounts.who, strict=True))
    persons = [chunk.person_id[owner[account]] for account in shop.invoices["account"]]
    numbers = shop.invoices["InvoiceNo"].tolist()
    nobody = [None] * len(numbers)
    truth.add(
        "records",
        {"source": "shop", "entity": "order_lines", "record_id": numbers, "person_id": persons, "company_id": nobody},
    )


def _bills(shop: RealShop) -> Bills:
    """The chosen customers' real invoices and credit notes."""
    told = shop.invoices[shop.invoices["InvoiceNo"].str.fullmatch(r"C?\d+")]
    at = pd.to_datetime(told["at"]).to_numpy().astype("datetime64[s]").astype(np.int64)
    number, country = told["InvoiceNo"].to_numpy(dtype=object), told["country"].to_numpy(dtype=object)
    return Bills(number, at, told["pence"].to_numpy(dtype=np.int64), country)


def main() -> None:
    """Rebuild the shipped sample."""
    typer.echo(f"{build()} people behind the sample in {SAMPLE}; the truth in {TRUTH}")


if __name__ == "__main__":
    main()
