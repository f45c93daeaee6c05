"""Zoho CRM's deals, cases, products and campaigns, linked to its people and companies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from world.book import Book
from world.chunk import Chunk
from world.experience import THEMES
from world.seeds import NEVER
from world.span import DAY, EPOCH, Span, iso, iso_date
from world.texts.say import subjects
from world.voices import Voices, heard, order_numbers
from world.zoho import SOURCE, frame, link, numbers_of, tell_accounts, tell_contacts, tell_leads, zoho_ids

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.object_]
STAGES = ("Qualification", "Needs Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost")
PROBABILITY = (10, 30, 60, 80, 100, 0)
DEALS_PER_ACCOUNT = 0.9
CLOSED_WON, CLOSED_LOST = 4, 5


def tell(chunk: Chunk) -> None:
    """All of Zoho CRM for a chunk."""
    accounts, account_ids = tell_accounts(chunk)
    contacts, contact_ids = tell_contacts(chunk, accounts, account_ids)
    tell_leads(chunk)
    tell_deals(chunk, accounts, account_ids)
    tell_cases(chunk, contacts, contact_ids)
    if chunk.number == 0:
        _tell_products(chunk)
        _tell_campaigns(chunk)


def stage_history(rng: np.random.Generator, created_at: Ints, span: Span) -> tuple[Ints, Ints, Ints]:
    """Deal, time and stage, for deals that go on stage by stage until won or lost."""
    pace = rng.gamma(2.0, 9.0, (len(created_at), 5)) * DAY
    at = created_at[:, None] + np.concatenate([np.zeros((len(created_at), 1)), np.cumsum(pace, axis=1)], axis=1).astype(
        np.int64
    )
    lost_after = rng.geometric(0.22, len(created_at))  # stages gone through before it is lost
    place = np.arange(6)[None, :]
    stage = np.where(place < np.minimum(lost_after, 5)[:, None], np.minimum(place, CLOSED_WON), -1)
    ends_lost = (place == lost_after[:, None]) & (lost_after[:, None] < 5)
    stage = np.where(ends_lost, CLOSED_LOST, stage)
    deal, step = np.nonzero((stage >= 0) & (at < span.until))
    return deal, at[deal, step], stage[deal, step]


@dataclass(frozen=True)
class Deals:
    """Deals by account record and time of creation, and their versions: deal, time, stage, account record by then."""

    parent: Ints
    created_at: Ints
    deal: Ints
    at: Ints
    stage: Ints
    account: Ints


def draw_deals(rng: np.random.Generator, accounts: Book, span: Span, per_account: float) -> Deals:
    """A version for each stage reached, and one where the company's record was merged away."""
    parent = np.repeat(np.arange(len(accounts)), rng.poisson(per_account, len(accounts)))
    begin = accounts.created_at[parent]
    end = np.minimum(accounts.merged_at, np.minimum(accounts.deleted_at, span.until))[parent]
    created = begin + (rng.random(len(parent)) * (end - begin)).astype(np.int64)
    deal, at, stage = stage_history(rng, created, span)
    moved, moved_at = accounts.relinks(parent, created)
    before = np.flatnonzero(at <= accounts.merged_at[parent[deal]])
    before = before[np.argsort(at[before], kind="stable")]
    stage_then = np.zeros(len(parent), dtype=np.int64)
    stage_then[deal[before]] = stage[before]  # the last stage reached before the merge stays
    deal, at = np.concatenate([deal, moved]), np.concatenate([at, moved_at])
    stage = np.concatenate([stage, stage_then[moved]])
    return Deals(parent, created, deal, at, stage, accounts.current(parent[deal], at))


def tell_deals(chunk: Chunk, accounts: Book, account_ids: Ids) -> None:
    """Deals with companies."""
    rng = chunk.rng("zoho deals")
    deals = draw_deals(rng, accounts, chunk.span, DEALS_PER_ACCOUNT)
    ids = zoho_ids("Deals", numbers_of(chunk, len(deals.parent)))
    amount = np.round(rng.lognormal(6.5, 0.9, len(deals.parent)), 2).tolist()
    closing, created, modified = iso_date(deals.created_at + 60 * DAY), iso(deals.created_at), iso(deals.at)
    columns = (deals.deal.tolist(), deals.stage.tolist(), deals.account.tolist(), modified)
    rows = (
        frame(ids[d], d, created[d], now)
        | {
            "Deal_Name": f"{chunk.companies.core[accounts.subject[a]]} {d % 9 + 1}",
            "Stage": STAGES[s],
            "Probability": PROBABILITY[s],
            "Amount": amount[d],
            "Currency": "GBP",
            "Closing_Date": closing[d],
            "Account_Name": link(chunk.companies.legal(accounts.subject[a]), account_ids[a]),
        }
        for d, s, a, now in zip(*columns, strict=True)
    )
    company = accounts.subject[deals.parent[deals.deal]]
    chunk.emit(SOURCE, "Deals", ids[deals.deal], deals.at, rows, company=company)


def crm_cases(chunk: Chunk, contacts: Book, is_chinese: bool) -> tuple[Voices, Ints]:
    """The voices that reach a CRM's case desk, and the contact's record each belongs to (-1: not in this CRM)."""
    voices = heard(chunk, "cases")
    choice = chunk.rng(f"case contacts {is_chinese}").random(len(voices))
    record = contacts.record_of(voices.who, voices.at, choice)
    here = chunk.people.is_chinese[voices.who] == is_chinese
    return voices, np.where(here, contacts.current(record, voices.at), -1)


def tell_cases(chunk: Chunk, contacts: Book, contact_ids: Ids) -> None:
    """Cases of contacts: opened, closed, and linked anew where the contact's record was merged away."""
    rng = chunk.rng("zoho cases")
    voices, contact = crm_cases(chunk, contacts, is_chinese=False)
    case = np.flatnonzero(contact >= 0)
    closed_at = voices.at[case] + (rng.gamma(1.5, 2.0, len(case)) * DAY).astype(np.int64) + 600
    closes = rng.random(len(case)) < 0.9
    moved, moved_at = contacts.relinks(contact[case], voices.at[case])
    record = np.concatenate([case, case[closes], case[moved]])
    at = np.concatenate([voices.at[case], closed_at[closes], moved_at])
    final = np.full(len(voices), NEVER)
    final[case[closes]] = closed_at[closes]
    ids = zoho_ids("Cases", numbers_of(chunk, len(voices)))
    lines, orders = subjects(voices.is_chinese, voices.theme), order_numbers(chunk, voices, rng, 0.4)
    parents = contacts.current(contact[record], at).tolist()
    surname = chunk.people.surname
    columns = zip(
        record.tolist(), parents, iso(voices.at[record]), iso(at), (at >= final[record]).tolist(), strict=True
    )
    rows = (
        frame(ids[n], n, start, now)
        | {
            "Case_Number": ids[n][-8:],
            "Subject": lines[n],
            "Description": voices.text[n],
            "Status": "Closed" if done else "New",
            "Case_Origin": ("Email", "Phone", "Web")[n % 3],
            "Priority": ("Low", "Medium", "High")[n % 3],
            "Order_Number": orders[n],
            "Contact_Name": link(surname[contacts.subject[p]], contact_ids[p]),
        }
        for n, p, start, now, done in columns
    )
    told = chunk.emit(SOURCE, "Cases", ids[record], at, rows, voices.who[record])
    seen = np.zeros(len(voices), dtype=bool)
    seen[case] = told[: len(case)]
    chunk.tell_texts(SOURCE, "Cases", ids, voices.sentiment, voices.theme, voices.is_chinese, seen)


def _tell_products(chunk: Chunk) -> None:
    goods = chunk.goods
    ids = zoho_ids("Products", np.arange(len(goods)))
    at = np.full(len(goods), chunk.span.begin + 8 * 3600)
    time = iso(at[:1])[0]
    rows = (
        frame(ids[n], n, time, time)
        | {
            "Product_Name": goods.name[n],
            "Product_Name_ZH": goods.name_zh[n],
            "Product_Code": goods.code[n],
            "Product_Category": goods.categories[goods.category[n]],
            "Unit_Price": float(goods.price[n]),
            "Unit_Cost": round(float(goods.price[n]) * (0.4 + 0.03 * (n % 9)), 2),
            "Product_Active": True,
        }
        for n in range(len(goods))
    )
    chunk.emit(SOURCE, "Products", ids, at, rows)


def _tell_campaigns(chunk: Chunk) -> None:
    """One a month, on its first day in the span."""
    months: list[date] = []
    day = chunk.span.start
    while day <= chunk.span.end:
        months.append(day)
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    at = np.array([(day - EPOCH).days * DAY + 9 * 3600 for day in months])
    ids, times = zoho_ids("Campaigns", np.arange(len(months))), iso(at)
    rows = (
        frame(ids[n], n, times[n], times[n])
        | {
            "Campaign_Name": f"{THEMES[n % len(THEMES)]} {day:%Y-%m}",
            "Type": ("Email", "Social", "Trade Show")[n % 3],
            "Status": "Active",
            "Start_Date": day.isoformat(),
            "End_Date": (day + timedelta(days=27)).isoformat(),
            "Budgeted_Cost": 500.0 + 50 * (n % 7),
            "Actual_Cost": 480.0 + 55 * (n % 7),
        }
        for n, day in enumerate(months)
    )
    chunk.emit(SOURCE, "Campaigns", ids, at, rows)
