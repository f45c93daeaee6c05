"""纷享销客 (Fxiaoke): opportunities, cases and records of sales activity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from world.book import Book
from world.chunk import Chunk
from world.fxiaoke import SOURCE, Ids, frame, object_ids, tell_accounts, tell_contacts, tell_leads, without_nulls
from world.seeds import NEVER
from world.span import DAY
from world.support import sales_talks
from world.texts.say import subjects
from world.voices import order_numbers
from world.zoho_work import crm_cases, draw_deals

Ints = npt.NDArray[np.int64]
STAGES = ("验证客户", "需求确定", "方案/报价", "谈判审核", "赢单", "输单")
PROBABILITY = ("10", "30", "60", "80", "100", "0")
OPPORTUNITIES_PER_ACCOUNT = 0.8


def tell(chunk: Chunk) -> None:
    """All of Fxiaoke for a chunk."""
    accounts, account_ids = tell_accounts(chunk)
    contacts, contact_ids = tell_contacts(chunk, accounts, account_ids)
    tell_leads(chunk)
    _tell_opportunities(chunk, accounts, account_ids)
    _tell_cases(chunk, contacts, contact_ids)
    _tell_activities(chunk, contacts, contact_ids)


def _tell_opportunities(chunk: Chunk, accounts: Book, account_ids: Ids) -> None:
    """商机, a version for each stage."""
    rng = chunk.rng("fxiaoke opportunities")
    deals = draw_deals(rng, accounts, chunk.span, OPPORTUNITIES_PER_ACCOUNT)
    ids = object_ids("NewOpportunityObj", chunk, deals.created_at)
    amount = rng.lognormal(7.5, 0.9, len(deals.parent)).tolist()
    columns = (deals.account, deals.deal, deals.stage, deals.at, deals.created_at[deals.deal])
    rows = (
        frame(ids[d], d, start, now)
        | {
            "name": f"{chunk.companies.core[accounts.subject[a]]}商机{d % 9 + 1}",
            "account_id": account_ids[a],
            "amount": f"{amount[d]:.2f}",
            "sales_stage": STAGES[s],
            "probability": PROBABILITY[s],
            "close_date": (start + 60 * DAY) * 1000,
        }
        for a, d, s, now, start in zip(*(column.tolist() for column in columns), strict=True)
    )
    company = accounts.subject[deals.parent[deals.deal]]
    chunk.emit(SOURCE, "NewOpportunityObj", ids[deals.deal], deals.at, rows, company=company)


def _tell_cases(chunk: Chunk, contacts: Book, contact_ids: Ids) -> None:
    """工单: opened, closed, and linked anew where the contact was merged away."""
    rng = chunk.rng("fxiaoke cases")
    voices, contact = crm_cases(chunk, contacts, is_chinese=True)
    case = np.flatnonzero(contact >= 0)
    closed_at = voices.at[case] + (rng.gamma(1.5, 1.5, len(case)) * DAY).astype(np.int64) + 600
    moved, moved_at = contacts.relinks(contact[case], voices.at[case])
    record = np.concatenate([case, case, case[moved]])
    at = np.concatenate([voices.at[case], closed_at, moved_at])
    final = np.full(len(voices), NEVER)
    final[case] = closed_at
    ids = object_ids("CasesObj", chunk, voices.at)
    lines, orders = subjects(voices.is_chinese, voices.theme), order_numbers(chunk, voices, rng, 0.4)
    parents = contacts.current(contact[record], at)
    columns = (record, parents, voices.at[record], at, at >= final[record])
    rows = (
        without_nulls(
            frame(ids[n], n, start, now)
            | {
                "name": f"GD{ids[n][-8:]}",
                "subject": lines[n],
                "problem_description": voices.text[n],
                "case_status": "4" if done else "1",
                "contact_id": contact_ids[p],
                "order_no": orders[n],
            }
        )
        for n, p, start, now, done in zip(*(column.tolist() for column in columns), strict=True)
    )
    told = chunk.emit(SOURCE, "CasesObj", ids[record], at, rows, voices.who[record])
    seen = np.zeros(len(voices), dtype=bool)
    seen[case] = told[: len(case)]
    chunk.tell_texts(SOURCE, "CasesObj", ids, voices.sentiment, voices.theme, voices.is_chinese, seen)


def _tell_activities(chunk: Chunk, contacts: Book, contact_ids: Ids) -> None:
    """销售记录: visits to and calls with contacts, in the words of the customer."""
    voices = sales_talks(chunk, "fxiaoke activities", 0.15, is_chinese=True)
    rng = chunk.rng("fxiaoke activity rows")
    record = contacts.record_of(voices.who, voices.at, rng.random(len(voices)))
    record = contacts.current(record, voices.at)
    is_known = record >= 0
    ids = object_ids("ActiveRecordObj", chunk, voices.at)
    place = np.flatnonzero(is_known)
    moved, moved_at = contacts.relinks(record[place], voices.at[place])
    activity, at = np.concatenate([place, place[moved]]), np.concatenate([voices.at[place], moved_at])
    parents = contacts.current(record[activity], at)
    columns = (activity, parents, voices.at[activity], at)
    rows = (
        frame(ids[n], n, start, now)
        | {
            "name": f"XS{ids[n][-8:]}",
            "active_record_type": "1" if n % 3 else "2",
            "active_record_content": voices.text[n],
            "related_object": "ContactObj",
            "related_object_data": contact_ids[p],
        }
        for n, p, start, now in zip(*(column.tolist() for column in columns), strict=True)
    )
    told = chunk.emit(SOURCE, "ActiveRecordObj", ids[activity], at, rows, voices.who[activity])
    seen = np.zeros(len(voices), dtype=bool)
    seen[place] = told[: len(place)]
    chunk.tell_texts(SOURCE, "ActiveRecordObj", ids, voices.sentiment, voices.theme, voices.is_chinese, seen)
