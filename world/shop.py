"""The shop: order lines as daily CSV files, accounts as registrations and changes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from world import copies, layout
from world.chunk import Accounts, Chunk
from world.files import Files
from world.lines import Lines
from world.parameters import PARAMETERS
from world.payments import Bills
from world.people import OCCUPATIONS, OCCUPATIONS_ZH, People
from world.places import COUNTRIES
from world.seeds import NEVER, scramble
from world.span import DAY, Span, iso
from world.trade import GUEST, ORDER, Invoices, Orders

Ints = npt.NDArray[np.int64]
ACCOUNT_NUMBERS = 9_000_000  # accounts are numbered 1,000,000 to 9,999,999
ORDER_LINES = layout.BY_NAME["shop", "order_lines"]


def write_headers(files: Files, span: Span) -> None:
    """Begin the file of each day: a day without sales has its header only."""
    for day in range(span.days):
        files.append(ORDER_LINES.path(span.name(day)), (layout.ORDER_HEADER + "\n").encode())


def draw_accounts(
    rng: np.random.Generator, people: People, orders: Orders, count_customers: int, span: Span
) -> tuple[Accounts, Ints]:
    """Accounts: one just before the first order, for some another one later; and the account of each order."""
    first_order = np.searchsorted(orders.customer, np.arange(count_customers))
    registered = orders.at[first_order] - rng.integers(300, 3600, count_customers)
    again = np.flatnonzero(rng.random(count_customers) < PARAMETERS.second_account)
    again_at = registered[again] + ((span.until - registered[again]) * rng.random(len(again))).astype(np.int64)
    who = np.concatenate([np.arange(count_customers), again])
    copy = np.repeat([0, 1], [count_customers, len(again)])
    numbers = 1_000_000 + scramble(2 * people.number[who] + copy, ACCOUNT_NUMBERS, "account")
    accounts = Accounts(
        np.array([str(n) for n in numbers.tolist()], dtype=object), who, np.concatenate([registered, again_at])
    )
    second = np.full(count_customers, -1)
    second[again] = count_customers + np.arange(len(again))
    chosen = second[orders.customer]
    uses_second = (chosen >= 0) & (orders.at > accounts.registered_at[chosen]) & (rng.random(len(orders)) < 0.6)
    return accounts, np.where(uses_second, chosen, orders.customer)


def tell_accounts(chunk: Chunk) -> None:
    """Registrations, and a new version where an owner tells of a new address, mail or phone."""
    rng, accounts, people = chunk.rng("shop accounts"), chunk.accounts, chunk.people
    count = len(accounts.who)
    draws = copies.draw(rng, count)
    extras = _extras(rng, chunk, draws)
    records, at = [np.arange(count)], [accounts.registered_at]
    for changed_at, share in ((people.moved_at, 0.6), (people.reached_anew_at, 0.7), (people.changed_job_at, 0.3)):
        when = changed_at[accounts.who]
        when = np.where(when < NEVER, when + rng.integers(0, 20 * DAY, count), NEVER)
        changed = np.flatnonzero((when > accounts.registered_at) & (when < NEVER) & (rng.random(count) < share))
        records.append(changed)
        at.append(when[changed])
    record, updated = np.concatenate(records), np.concatenate(at)
    who = accounts.who[record]
    written = copies.write_people(people, chunk.companies, who, updated, draws[record], copies.SHOP)
    times = zip(iso(accounts.registered_at[record]), iso(updated), strict=True)
    rows = (
        _account(accounts.account_id[n], copy, extras[n], *time)
        for n, copy, time in zip(record.tolist(), written, times, strict=True)
    )
    chunk.emit("shop", "accounts", accounts.account_id[record], updated, rows, who)


def _extras(rng: np.random.Generator, chunk: Chunk, draws: npt.NDArray) -> list[tuple[bool, bool, str | None, bool]]:
    """Marketing by mail and SMS, occupation, and whether the company is named; the same in all versions."""
    people, who = chunk.people, chunk.accounts.who
    mail, sms, tells, at_work = (rng.random((4, len(who))) < np.array([[0.55], [0.25], [0.4], [0.45]])).tolist()
    words = [OCCUPATIONS_ZH if zh else OCCUPATIONS for zh in people.is_chinese[who].tolist()]
    jobs = [word[n] for word, n in zip(words, people.occupation[who].tolist(), strict=True)]
    return list(zip(mail, sms, [job if t else None for job, t in zip(jobs, tells, strict=True)], at_work, strict=True))


def _account(
    account_id: str, copy: copies.Copy, extras: tuple[bool, bool, str | None, bool], registered: str, updated: str
) -> dict:
    mail, sms, occupation, at_work = extras
    address = copy.address
    return {
        "account_id": account_id,
        "name": copy.full,
        "email": copy.mail,
        "phone": copy.mobile or copy.phone,
        "birth_date": copy.birth,
        "sex": copy.sex,
        "occupation": occupation,
        "address": dict(zip(("street", "city", "region", "postcode"), address, strict=True)) if address else None,
        "country": copy.country,
        "company": copy.company_name if at_work else None,
        "job_title": copy.title if at_work else None,
        "registered_at": registered,
        "updated_at": updated,
        "marketing": {"email": mail, "sms": sms},
    }


def invoice_numbers(invoices: Invoices, numbers: Ints) -> list[str]:
    """Numbers as written: a credit note's begins with C."""
    is_sale = np.isin(invoices.kind, (ORDER, GUEST)).tolist()
    return [str(n) if sale else f"C{n}" for n, sale in zip(numbers.tolist(), is_sale, strict=True)]


def bills(chunk: Chunk, invoices: Invoices, lines: Lines, written: list[str]) -> Bills:
    """What is to be paid for each invoice."""
    pence = np.bincount(lines.invoice, lines.quantity * lines.pence, len(invoices)).astype(np.int64)
    return Bills(np.array(written, dtype=object), invoices.at, pence, _lands(chunk, _owners(chunk, invoices)))


def _owners(chunk: Chunk, invoices: Invoices) -> Ints:
    """The person of each invoice; -1 for guests."""
    return np.where(invoices.order >= 0, chunk.orders.customer[np.maximum(invoices.order, 0)], -1)


def _lands(chunk: Chunk, owner: Ints) -> npt.NDArray[np.object_]:
    """The country of each invoice."""
    lands = np.array([country.name for country in COUNTRIES], dtype=object)
    return np.where(owner >= 0, lands[chunk.people.country[owner]], "United Kingdom")


def tell_order_lines(chunk: Chunk, invoices: Invoices, lines: Lines, written: list[str]) -> None:
    """Append each day's lines, in the order of time, and say who is behind each invoice."""
    goods, owner = chunk.goods, _owners(chunk, invoices)
    accounts = np.append(chunk.accounts.account_id, "")
    of_order = np.append(chunk.order_account, -1)
    account = accounts[of_order[invoices.order]]
    land = _lands(chunk, owner)
    ends = [f"{a},{c}\n" for a, c in zip(account, land, strict=True)]
    times = iso(invoices.at, "", " ")
    heads = [f"{n}," for n in written]
    codes = [f"{code},{name}," for code, name in zip(goods.code, goods.name, strict=True)]
    columns = (lines.invoice, lines.product, lines.quantity, lines.pence)
    text = [
        f"{heads[i]}{codes[p]}{q},{times[i]},{c / 100:.2f},{ends[i]}"
        for i, p, q, c in zip(*(column.tolist() for column in columns), strict=True)
    ]
    day = chunk.span.day_of(invoices.at[lines.invoice])
    starts = np.searchsorted(day, np.arange(chunk.span.days + 1)).tolist()
    for number, (start, end) in enumerate(zip(starts, starts[1:], strict=False)):
        if end > start:
            chunk.files.append(ORDER_LINES.path(chunk.span.name(number)), "".join(text[start:end]).encode())
    persons = np.where(owner >= 0, chunk.person_id[owner], None).tolist()
    nobody = [None] * len(written)
    chunk.truth.add(
        "records",
        {"source": "shop", "entity": "order_lines", "record_id": written, "person_id": persons, "company_id": nobody},
    )
