"""纷享销客 (Fxiaoke): people and companies as its query returns them, null fields left out, numbers as texts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from world import copies, noise, places
from world.book import CONTENT, Book, Versions, open_book, versions
from world.chunk import Chunk
from world.companies import INDUSTRIES_ZH
from world.seeds import scramble
from world.zoho import COMPANIES_FIRST, entered, numbers_of, tell_merges

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.object_]
SOURCE = "fxiaoke"
OBJECTS = ("AccountObj", "ContactObj", "LeadsObj", "NewOpportunityObj", "CasesObj", "ActiveRecordObj")
OWNERS = ("1001", "1002", "1003", "1004", "1005")


def object_ids(name: str, chunk: Chunk, created_at: Ints) -> Ids:
    """24 hexadecimal digits that begin with the time of creation."""
    numbers = scramble(numbers_of(chunk, len(created_at)), 10_000_000_000, name).tolist()
    kind = OBJECTS.index(name) + 1
    return np.array(
        [f"{at:08x}{kind:06x}{n:010x}" for at, n in zip(created_at.tolist(), numbers, strict=True)], dtype=object
    )


def frame(record_id: str, n: int, created: int, modified: int, is_deleted: bool = False) -> dict:
    """The fields on each row; times are milliseconds."""
    owner = OWNERS[n % len(OWNERS)]
    return {
        "_id": record_id,
        "create_time": created * 1000,
        "last_modified_time": modified * 1000,
        "owner": [owner],
        "owner_department": ["销售部" if n % 2 else "客户成功部"],
        "created_by": [owner],
        "record_type": "default__c",
        "life_status": "invalid" if is_deleted else "normal",
        "lock_status": "0",
        "is_deleted": is_deleted,
    }


def without_nulls(row: dict) -> dict:
    """The row as Fxiaoke sends it: empty fields are not there."""
    return {name: value for name, value in row.items() if value is not None}


def _emit_book(
    chunk: Chunk, name: str, book: Book, ids: Ids, told: Versions, content: Callable[[Ints, Ints, Ints], list[dict]]
) -> None:
    """Write a book's versions; a deleted row comes once more with `is_deleted`."""
    fields = content(told.record, told.at, told.known_at)
    columns = (told.record, book.created_at[told.record], told.at, told.kind != CONTENT)
    rows = (
        without_nulls(frame(ids[n], n, created, at, gone) | own)
        for own, n, created, at, gone in zip(fields, *(column.tolist() for column in columns), strict=True)
    )
    subject = book.subject[told.record]
    is_company = name == "AccountObj"
    chunk.emit(
        SOURCE, name, ids[told.record], told.at, rows, None if is_company else subject, subject if is_company else None
    )
    tell_merges(chunk, SOURCE, name, book, ids)


def tell_accounts(chunk: Chunk) -> tuple[Book, Ids]:
    """Companies, mostly Chinese ones."""
    rng, companies = chunk.rng("fxiaoke accounts"), chunk.companies
    subjects = np.flatnonzero(rng.random(len(companies)) < np.where(companies.country == 0, 0.8, 0.08))
    book = open_book(rng, subjects, entered(rng, chunk, len(subjects), COMPANIES_FIRST), len(companies), chunk.span)
    ids = object_ids("AccountObj", chunk, book.created_at)

    def content(record: Ints, at: Ints, known_at: Ints) -> list[dict]:
        del at, known_at  # companies do not change
        return [_account(chunk, int(book.subject[n]), book.draws[n].tolist()) for n in record.tolist()]

    _emit_book(chunk, "AccountObj", book, ids, versions(rng, book, chunk.span), content)
    return book, ids


def _account(chunk: Chunk, company: int, u: list[float]) -> dict:
    companies = chunk.companies
    land = places.COUNTRIES[companies.country[company]]
    street, city, region, _ = companies.address[company]
    return {
        "name": companies.written(company, int(u[0] * 1e6)),
        "tel": noise.phone(companies.switchboard[company], land, u[3], 0.02) if u[4] < 0.75 else None,
        "url": f"www.{companies.domain[company]}" if u[5] < 0.4 else None,
        "industry_level1": INDUSTRIES_ZH[companies.industry[company]] if u[6] < 0.7 else None,
        "uniform_social_credit_code": companies.registration[company] if u[10] < 0.6 else None,
        "employee_number": str(companies.employees[company]) if u[7] < 0.4 else None,
        "country": land.native if u[9] < 0.7 else None,
        "province": region if u[8] < 0.6 else None,
        "city": city if u[8] < 0.65 else None,
        "address": street if u[8] < 0.7 else None,
        "account_level": ("1", "2", "3")[int(u[11] * 3)],
        "deal_status": "2" if u[12] < 0.5 else "1",
    }


def tell_contacts(chunk: Chunk, accounts: Book, account_ids: Ids) -> tuple[Book, Ids]:
    """People, mainly employees of Chinese companies."""
    rng, people = chunk.rng("fxiaoke contacts"), chunk.people
    share = np.where(people.is_chinese, np.where(people.company >= 0, 0.55, 0.06), 0.01)
    subjects = np.flatnonzero(rng.random(len(people)) < share)
    book = open_book(rng, subjects, entered(rng, chunk, len(subjects)), len(people), chunk.span)
    ids = object_ids("ContactObj", chunk, book.created_at)
    choice = rng.random(len(book))
    parent = accounts.record_of(people.company_at(book.subject, book.created_at), book.created_at, choice)
    told = versions(rng, book, chunk.span, accounts.relinks(parent, book.created_at))

    def content(record: Ints, at: Ints, known_at: Ints) -> list[dict]:
        who = book.subject[record]
        written = copies.write_people(people, chunk.companies, who, known_at, book.draws[record], copies.CHINESE_CRM)
        account = accounts.record_of(people.company_at(who, known_at), known_at, choice[record])
        account = accounts.current(account, at).tolist()
        return [_contact(copy, account_ids[n] if n >= 0 else None) for copy, n in zip(written, account, strict=True)]

    _emit_book(chunk, "ContactObj", book, ids, told, content)
    return book, ids


def _contact(copy: copies.Copy, account: str | None) -> dict:
    return {
        "name": copy.full,
        "mobile1": copy.mobile,
        "tel1": copy.phone,
        "email": copy.mail,
        "job_title": copy.title,
        "gender": {"m": "1", "f": "2"}.get(copy.sex or ""),
        "date_of_birth": copy.birth,
        "add": copy.address[0] if copy.address else None,
        "account_id": account,
    }


def tell_leads(chunk: Chunk) -> None:
    """销售线索: Chinese prospects and a few customers."""
    rng, people = chunk.rng("fxiaoke leads"), chunk.people
    is_prospect = np.arange(len(people)) >= chunk.count_customers
    share = np.where(~people.is_chinese, 0.01, np.where(is_prospect, 0.6, 0.05))
    subjects = np.flatnonzero(rng.random(len(people)) < share)
    book = open_book(rng, subjects, entered(rng, chunk, len(subjects)), len(people), chunk.span)
    ids = object_ids("LeadsObj", chunk, book.created_at)

    def content(record: Ints, at: Ints, known_at: Ints) -> list[dict]:
        who = book.subject[record]
        written = copies.write_people(people, chunk.companies, who, known_at, book.draws[record], copies.CHINESE_CRM)
        moved_on = (at > book.created_at[record]).tolist()
        return [
            {
                "name": copy.full,
                "mobile": copy.mobile,
                "tel": copy.phone,
                "email": copy.mail,
                "company": copy.company_name,
                "job_title": copy.title,
                "source": "1" if len(copy.full) % 2 else "3",
                "leads_status": "2" if later else "1",
            }
            for copy, later in zip(written, moved_on, strict=True)
        ]

    _emit_book(chunk, "LeadsObj", book, ids, versions(rng, book, chunk.span), content)
