"""What a world consists of: every source, entity and file pattern, in one table.

The pipeline's `sources.yml` is written from it; writers look up their patterns here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Entity:
    """One kind of record and where it is found below `sources/`.

    `key` is the field that names a record (None: rows have no key of their own), `changed_at` the field that says when
    this version came to be, in the notation `changed_as`. `tells_of` says what the truth links its records to.
    """

    source: str
    name: str
    key: str | None
    changed_at: str | None
    changed_as: Literal["iso8601", "epoch_ms", "date", "local_time"] = "iso8601"
    format: Literal["jsonl", "csv"] = "jsonl"
    is_daily: bool = True
    tells_of: Literal["person", "company", "nobody"] = "person"
    deleted: str | None = None  # the field that is true on lines that tell of a deletion

    @property
    def pattern(self) -> str:
        """The path below `sources/`, without `.gz`; daily files carry the day."""
        day = "_YYYY-MM-DD" if self.is_daily else ""
        return f"{self.source}/{self.name}{day}.{self.format}"

    def path(self, day: str) -> str:
        """The path of one day's file, without `.gz`."""
        return self.pattern.replace("YYYY-MM-DD", day)


def _zoho(name: str, tells_of: Literal["person", "company", "nobody"]) -> Entity:
    # A deletion is a line {"id", "_deleted": true, "deleted_time", "type"} in the same file, without Modified_Time.
    return Entity("zoho_crm", name, "id", "Modified_Time", tells_of=tells_of, deleted="_deleted")


def _fxiaoke(name: str, tells_of: Literal["person", "company"]) -> Entity:
    # A deletion is the row itself with is_deleted true.
    return Entity("fxiaoke", name, "_id", "last_modified_time", "epoch_ms", tells_of=tells_of, deleted="is_deleted")


ENTITIES = (
    Entity("shop", "order_lines", None, "InvoiceDate", "local_time", "csv"),
    Entity("shop", "accounts", "account_id", "updated_at"),
    _zoho("Contacts", "person"),
    _zoho("Accounts", "company"),
    _zoho("Leads", "person"),
    _zoho("Deals", "company"),
    _zoho("Cases", "person"),
    _zoho("Products", "nobody"),
    _zoho("Campaigns", "nobody"),
    _fxiaoke("AccountObj", "company"),
    _fxiaoke("ContactObj", "person"),
    _fxiaoke("LeadsObj", "person"),
    _fxiaoke("NewOpportunityObj", "company"),
    _fxiaoke("CasesObj", "person"),
    _fxiaoke("ActiveRecordObj", "person"),
    Entity("web", "events", "messageId", "timestamp"),
    Entity("support", "tickets", "ticket_id", "updated_at"),
    Entity("support", "calls", "call_id", "updated_at"),
    Entity("support", "chats", "chat_id", "updated_at"),
    Entity("support", "visits", "visit_id", "updated_at"),
    Entity("support", "complaints", "complaint_id", "updated_at"),
    Entity("surveys", "csat", "response_id", "updated_at"),
    Entity("surveys", "nps", "response_id", "updated_at"),
    Entity("surveys", "market_research", "response_id", "updated_at"),
    Entity("social", "posts", "post_id", "updated_at"),
    Entity("social", "mentions", "mention_id", "updated_at"),
    Entity("social", "reactions", "reaction_id", "updated_at"),
    Entity("consents", "consents", "consent_id", "updated_at"),
    Entity("payments", "payments", "payment_id", "updated_at", tells_of="nobody"),
    Entity("reference", "census_regions", "region_id", None, "date", "csv", is_daily=False, tells_of="nobody"),
    Entity("reference", "credit_ratings", "rating_id", "rated_on", "date", "csv", is_daily=False, tells_of="company"),
    Entity("reference", "exchange_rates", None, "rate_date", "date", "csv", is_daily=False, tells_of="nobody"),
)
BY_NAME = {(entity.source, entity.name): entity for entity in ENTITIES}
# Order lines have no key; the truth tells who is behind an invoice.
INVOICE_KEY = "InvoiceNo"
ORDER_HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
