"""Zoho CRM's people and companies, as its v8 listing returns them: Accounts, Contacts, Leads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from world import copies, noise, places
from world.book import CONTENT, RECYCLED, Book, Versions, open_book, versions
from world.chunk import Chunk
from world.companies import INDUSTRIES
from world.seeds import NEVER, scramble
from world.span import DAY, iso

Ints = npt.NDArray[np.int64]
SOURCE = "zoho_crm"
MODULES = ("Accounts", "Contacts", "Leads", "Deals", "Cases", "Products", "Campaigns")
COMPANIES_FIRST = 4.0  # most companies are entered before their people
USERS = ("Alma Quist", "Bo Farrow", "Cleo Marsh", "Dana Frost", "Eli Thorne", "林悦")
LEAD_STATUS = ("Not Contacted", "Attempted to Contact", "Contacted", "Pre-Qualified", "Lost Lead")
LEAD_SOURCES = ("Web Form", "Trade Show", "Referral", "Cold Call", "Advertisement")


def zoho_ids(module: str, numbers: Ints) -> npt.NDArray[np.object_]:
    """Digit strings as Zoho gives them, unique within the organisation."""
    scrambled = scramble(numbers, 10_000_000_000, module).tolist()
    return np.array([f"5725767{MODULES.index(module) + 1}{n:010d}" for n in scrambled], dtype=object)


def numbers_of(chunk: Chunk, count: int) -> Ints:
    """Numbers of a chunk's records of one module; a chunk has fewer than a million."""
    return chunk.number * 1_000_000 + np.arange(count)


def frame(record_id: str, n: int, created: str, modified: str) -> dict:
    """The fields that every record begins with."""
    user = USERS[n % len(USERS)]
    who = {"name": user, "id": f"57257679000000000{n % len(USERS)}", "email": f"crm{n % len(USERS)}@kehu.example"}
    return {"id": record_id, "Owner": who, "Created_Time": created, "Modified_Time": modified}


def entered(rng: np.random.Generator, chunk: Chunk, count: int, power: float = 1.5) -> Ints:
    """When subjects are entered in working hours: the higher the power, the more of them early in the span."""
    days = (chunk.span.days * rng.random(count) ** power).astype(np.int64)
    return chunk.span.begin + days * DAY + rng.integers(7 * 3600, 18 * 3600, count)


def emit_book(
    chunk: Chunk,
    module: str,
    book: Book,
    ids: npt.NDArray[np.object_],
    told: Versions,
    content: Callable[[Ints, Ints, Ints], list[dict]],
) -> None:
    """Write a book's versions and deletions; `content` gives the module's own fields of (record, at, known_at)."""
    created, modified = iso(book.created_at[told.record]), iso(told.at)
    is_content = told.kind == CONTENT
    fields = iter(content(told.record[is_content], told.at[is_content], told.known_at[is_content]))
    kinds = np.where(told.kind == RECYCLED, "recycle", "permanent").tolist()
    rows = (
        frame(ids[n], n, created[v], modified[v]) | next(fields)
        if alive
        else {"id": ids[n], "_deleted": True, "deleted_time": modified[v], "type": kinds[v]}
        for v, (n, alive) in enumerate(zip(told.record.tolist(), is_content.tolist(), strict=True))
    )
    subject = book.subject[told.record]
    is_company = module == "Accounts"
    # A deletion carries no Modified_Time: what arrives after it is taken for newer, so these records arrive in order.
    is_prompt = np.isin(told.record, told.record[~is_content])
    who, company = (None, subject) if is_company else (subject, None)
    chunk.emit(SOURCE, module, ids[told.record], told.at, rows, who, company, is_prompt)
    tell_merges(chunk, SOURCE, module, book, ids)


def tell_merges(chunk: Chunk, source: str, entity: str, book: Book, ids: npt.NDArray[np.object_]) -> None:
    """The truth about the records that were merged away."""
    lost = np.flatnonzero(book.merged_at < NEVER)
    if len(lost):
        merged = {
            "lost_id": ids[lost].tolist(),
            "kept_id": ids[book.winner[lost]].tolist(),
            "merged_at": book.merged_at[lost],
        }
        chunk.truth.add("merges", {"source": source, "entity": entity, **merged})


def tell_accounts(chunk: Chunk) -> tuple[Book, npt.NDArray[np.object_]]:
    """Companies, mostly Western ones."""
    rng, companies = chunk.rng("zoho accounts"), chunk.companies
    share = np.where(companies.country == 0, 0.2, 0.75)
    subjects = np.flatnonzero(rng.random(len(companies)) < share)
    book = open_book(rng, subjects, entered(rng, chunk, len(subjects), COMPANIES_FIRST), len(companies), chunk.span)
    ids = zoho_ids("Accounts", numbers_of(chunk, len(book)))

    def content(record: Ints, at: Ints, known_at: Ints) -> list[dict]:
        del at, known_at  # companies do not change
        return [_account(chunk, int(book.subject[n]), book.draws[n].tolist()) for n in record.tolist()]

    emit_book(chunk, "Accounts", book, ids, versions(rng, book, chunk.span), content)
    return book, ids


def _account(chunk: Chunk, company: int, u: list[float]) -> dict:
    companies = chunk.companies
    land = places.COUNTRIES[companies.country[company]]
    street, city, region, code = companies.address[company]
    name = companies.written(company, int(u[0] * 1e6))
    return {
        "Account_Name": noise.typo(name, u[1]) if u[2] < 0.04 and name.isascii() else name,
        "Phone": noise.phone(companies.switchboard[company], land, u[3], 0.02) if u[4] < 0.8 else None,
        "Website": f"https://www.{companies.domain[company]}" if u[5] < 0.65 else None,
        "Industry": INDUSTRIES[companies.industry[company]] if u[6] < 0.7 else None,
        "Employees": int(companies.employees[company]) if u[7] < 0.5 else None,
        "Billing_Street": street if u[8] < 0.7 else None,
        "Billing_City": city if u[8] < 0.7 else None,
        "Billing_State": region if u[8] < 0.6 else None,
        "Billing_Code": code if u[8] < 0.65 else None,
        "Billing_Country": land.name if u[9] < 0.8 else None,
        "Registration_Number": companies.registration[company] if u[10] < 0.4 else None,
        "Account_Type": ("Customer", "Prospect", "Partner")[int(u[11] * 3)],
    }


def tell_contacts(chunk: Chunk, accounts: Book, account_ids: npt.NDArray) -> tuple[Book, npt.NDArray[np.object_]]:
    """People, mostly employees of Western companies; they follow their company's record when it is merged."""
    rng, people = chunk.rng("zoho contacts"), chunk.people
    share = np.where(people.company < 0, 0.06, np.where(people.is_chinese, 0.12, 0.5))
    subjects = np.flatnonzero(rng.random(len(people)) < share)
    book = open_book(rng, subjects, entered(rng, chunk, len(subjects)), len(people), chunk.span)
    ids = zoho_ids("Contacts", numbers_of(chunk, len(book)))
    choice = rng.random(len(book))
    parent = accounts.record_of(people.company_at(book.subject, book.created_at), book.created_at, choice)
    told = versions(rng, book, chunk.span, accounts.relinks(parent, book.created_at))

    def content(record: Ints, at: Ints, known_at: Ints) -> list[dict]:
        who = book.subject[record]
        written = copies.write_people(people, chunk.companies, who, known_at, book.draws[record], copies.CRM)
        # A new employer is noticed with the rest of the person's news.
        account = accounts.record_of(
            people.company_at(who, known_at), np.maximum(known_at, book.created_at[record]), choice[record]
        )
        account = accounts.current(account, at).tolist()
        links = [link(chunk.companies.legal(accounts.subject[n]), account_ids[n]) if n >= 0 else None for n in account]
        return [_contact(copy, parent) for copy, parent in zip(written, links, strict=True)]

    emit_book(chunk, "Contacts", book, ids, told, content)
    return book, ids


def link(name: str, record_id: str) -> dict[str, str]:
    """A lookup field."""
    return {"name": name, "id": record_id}


def _person(copy: copies.Copy) -> dict:
    return {
        "First_Name": copy.given,
        "Last_Name": copy.surname,
        "Full_Name": copy.full,
        "Email": copy.mail,
        "Phone": copy.phone,
        "Mobile": copy.mobile,
    }


def _contact(copy: copies.Copy, account: dict[str, str] | None) -> dict:
    street, city, region, code = copy.address or (None, None, None, None)
    return _person(copy) | {
        "Account_Name": account,
        "Title": copy.title,
        "Date_of_Birth": copy.birth,
        "Mailing_Street": street,
        "Mailing_City": city,
        "Mailing_State": region,
        "Mailing_Zip": code,
        "Mailing_Country": copy.country if street else None,
        "Email_Opt_Out": len(copy.full) % 5 == 0,
    }


def tell_leads(chunk: Chunk) -> None:
    """People not yet known to buy: prospects, and some who became customers."""
    rng, people = chunk.rng("zoho leads"), chunk.people
    is_prospect = np.arange(len(people)) >= chunk.count_customers
    share = np.where(people.is_chinese, 0.12, np.where(is_prospect, 0.6, 0.05))
    subjects = np.flatnonzero(rng.random(len(people)) < share)
    book = open_book(rng, subjects, entered(rng, chunk, len(subjects)), len(people), chunk.span)
    ids = zoho_ids("Leads", numbers_of(chunk, len(book)))

    def content(record: Ints, at: Ints, known_at: Ints) -> list[dict]:
        who = book.subject[record]
        written = copies.write_people(people, chunk.companies, who, known_at, book.draws[record], copies.CRM)
        stage = (book.draws[record, 12] * 3).astype(np.int64) + (at > book.created_at[record])
        sources = (book.draws[record, 13] * len(LEAD_SOURCES)).astype(np.int64)
        return [
            _person(copy)
            | {
                "Company": copy.company_name,
                "Designation": copy.title,
                "City": copy.address[1] if copy.address else None,
                "Country": copy.country,
                "Lead_Status": LEAD_STATUS[s],
                "Lead_Source": LEAD_SOURCES[where],
            }
            for copy, s, where in zip(written, stage.tolist(), sources.tolist(), strict=True)
        ]

    emit_book(chunk, "Leads", book, ids, versions(rng, book, chunk.span), content)
