"""Records that name an invoice: which field does, and what becomes of a record whose invoice is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import great_expectations.expectations as gxe

from expectations.gate import Check
from kehu.warehouse.landing import table_name

TABLE = "raw records, references"
KEY = ("load_id", "row_number")
# Records of the shop's first weeks may be about invoices from before them.
GRACE_DAYS = 45
INVOICES = """
select trim(lines."InvoiceNo")
from raw_shop.order_lines as lines
inner join ops.loads as files on lines._load_id = files.load_id
where files.status <> 'rejected' and lines."InvoiceNo" is not null
"""
TOLD = """
select records._load_id as load_id, records._row_number as row_number, {is_whole} as is_whole,
    trim(records.record ->> '{field}') as number,
    coalesce(
        case when pg_input_is_valid(records.record ->> 'created_at', 'timestamptz')
            then cast(cast(records.record ->> 'created_at' as timestamptz) as date) end,
        loads.as_of_date
    ) as told_on
from "raw_{source}"."{table}" as records
inner join ops.loads as loads on records._load_id = loads.load_id
where records._load_id = any(array[{load_ids}]::bigint[])
    and records._fault is null and not records._is_deleted and trim(records.record ->> '{field}') <> ''
"""
QUERY = """
select load_id, row_number, case when is_orphan and is_whole then 1 else 0 end as orphans,
    case when is_orphan and not is_whole then 1 else 0 end as unknown_numbers
from (
    with told as ({told}), invoices as ({invoices}), shop as (
        select min(file_date) + {grace_days} as since from ops.loads
        where source = 'shop' and entity = 'order_lines' and status <> 'rejected'
    )
    select told.*, told.told_on >= shop.since and told.number not in (select * from invoices) as is_orphan
    from told cross join shop
) as judged
"""
# The names of tables, of fields and of rules are this module's own.
RELEASE = """
delete from {kept} as kept
using "raw_{source}"."{table}" as records
where kept.rule = '{rule}' and kept.load_id = records._load_id and kept.row_number = records._row_number
    and trim(records.record ->> '{field}') in ({invoices})
"""
ROW_RULE, VALUE_RULE = "invoice_is_there", "named_invoice_is_there"
WAITS = f"""
select exists (select from ops.quarantine where rule = '{ROW_RULE}')
    or exists (select from ops.quarantined_values where rule = '{VALUE_RULE}')
"""


@dataclass(frozen=True)
class Reference:
    """An entity of records whose `field` names an invoice; `is_whole`: without it a record is left out whole."""

    source: str
    entity: str
    field: str
    is_whole: bool = False

    @property
    def table(self) -> tuple[str, str]:
        """Schema and name of the raw table."""
        return f"raw_{self.source}", table_name(self.entity)

    def told(self, load_ids: Sequence[int]) -> str:
        """The records of these loads that name an invoice."""
        ids = ", ".join(map(str, load_ids))
        return TOLD.format(**self._names(), is_whole=self.is_whole, load_ids=ids)

    def release(self) -> str:
        """The statement that lets in what waits for an invoice that has come since."""
        kept, rule = ("ops.quarantine", ROW_RULE) if self.is_whole else ("ops.quarantined_values", VALUE_RULE)
        return RELEASE.format(**self._names(), kept=kept, rule=rule, invoices=INVOICES)

    def _names(self) -> dict[str, str]:
        return {"source": self.source, "table": self.table[1], "field": self.field}


REFERENCES = (
    Reference("payments", "payments", "order_number", is_whole=True),
    *(Reference("support", name, "order_number") for name in ("tickets", "calls", "chats", "visits", "complaints")),
    Reference("surveys", "nps", "order_number"),
    Reference("zoho_crm", "Cases", "Order_Number"),
    Reference("fxiaoke", "CasesObj", "order_no"),
)


def query(told: Sequence[str]) -> str:
    """What is asked of all these records in one query."""
    return QUERY.format(told=" union all ".join(told), invoices=INVOICES, grace_days=GRACE_DAYS)


def checks() -> list[Check]:
    """The suite: records that are left out without their invoice, and numbers that are set aside."""
    return [
        Check(
            ROW_RULE,
            "the invoice it is for has not come; it is let in when that does",
            "quarantine",
            gxe.ExpectColumnValuesToBeBetween(column="orphans", max_value=0),
        ),
        Check(
            VALUE_RULE,
            "it names an invoice that has not come; the number is let in when that does",
            "quarantine",
            gxe.ExpectColumnValuesToBeBetween(column="unknown_numbers", max_value=0),
        ),
    ]
