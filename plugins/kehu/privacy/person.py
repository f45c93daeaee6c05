"""Who is meant by a customer's id: the records, the keys that only they name, and the values that only they have.

A value that somebody else's record has too (a household's phone, a common name) is that person's as well: it stays, and
is not searched for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from psycopg import Connection

from kehu.privacy.subjects import key_of

DISTINCTIVE = 8  # shorter ids are other things' numbers too, and are sought only in columns that say what they name
# The newest customer of each record.
LAST = """
    select distinct on (record_key) record_key, customer_id from identity.assignments
    where kind = 'person' order by record_key, valid_from desc
"""
HEIRS = "select customer_id, count_records from identity.heirs(%s) where kind = 'person' order by 2 desc, 1"
FORMER = "select customer_id from identity.former_ids(%s) where is_theirs_alone = %s order by 1"
RECORDS = f"""
create temporary table subject_records on commit drop as
select record_key from ({LAST}) as last
where customer_id = any(%s)
"""
# Of the company in a person's record the key is the record's own, or the record's with a number.
IS_MINE = """
exists (
    select from pg_temp.subject_records as subject
    where subject.record_key = case told.kind when 'company' then regexp_replace(told.record_key, '#[0-9]+$', '')
        else told.record_key end
)
"""
COMPANIES = f"""
select distinct told.record_key from identity.assignments as told
where told.kind = 'company' and told.record_key like '%%#%%' and {IS_MINE} order by 1
"""
LIST_KEYS = """
select list_key from history.list_candidates where customer_id = any(%s)
union select list_key from ops.decision_journal where customer_id = any(%s)
"""
KEYS = f"""
with told as (
    select unnest(told.keys || array(select 'web.device:' || device from unnest(told.devices) as device)) as key,
        {IS_MINE} as is_mine
    from intermediate.int_identity_records as told where told.kind = 'person'
)
select key from told where key not like 'shop.order:%%' group by key having bool_and(is_mine)
"""
VALUES = f"""
with told as (
    select told.*, {IS_MINE} as is_mine from intermediate.int_identity_values as told
),
forms as (
    select told.record_key, told.mails, told.phones, {IS_MINE} as is_mine from intermediate.int_identity_records as told
),
cells as (
    select 'mail' as kind, unnest(mails_raw) as value, is_mine from told
    union all select 'mail', unnest(mails), is_mine from forms
    union all select 'phone', unnest(phones_raw), is_mine from told
    union all select 'phone', unnest(phones), is_mine from forms
    union all select 'name', name_raw, is_mine from told
    union all select 'name', regexp_replace(name_raw, '^(.+), (.+)$', '\\2 \\1'), is_mine from told
    union all select 'street', street_raw, is_mine from told
)
select kind, lower(btrim(value)) as value from cells
where btrim(value) <> '' group by 1, 2 having bool_and(is_mine) order by 1, 2
"""
# What is long enough to mean this person wherever it stands.
TELLING = {
    "mail": re.compile(r".+@.+"),
    "phone": re.compile(r"(?:\D*\d){7,}\D*"),
    "name": re.compile(r"\S.{5,}\s?\S+|.*[\u4e00-\u9fff]{3,}.*"),
    "street": re.compile(r"(?=.*\d).{8,}"),
}


class UnknownCustomerError(LookupError):
    """An id means nobody or several people, or the tables that tell of their records are not built."""


@dataclass
class Subjects:
    """The people to be erased, or told, together."""

    customer_ids: list[str]
    record_keys: list[str]
    keys: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    values: list[tuple[str, str]] = field(default_factory=list)

    @property
    def exact(self) -> list[str]:
        """Texts that mean these people where a cell is nothing else: ids, records' keys, distinctive record ids."""
        ids = {value for values in self.keys.values() for value in values if is_distinctive(value)}
        strong = {f"{kind}:{value}" for kind, values in self.keys.items() for value in values}
        return sorted({*self.customer_ids, *self.record_keys, *ids, *strong})

    @property
    def sought(self) -> list[str]:
        """Texts, in lower case, that mean these people wherever they stand."""
        return sorted({text.lower() for text in self.exact} | {value for _, value in self.values})


def is_distinctive(value: str) -> bool:
    """Whether an id is long enough to be nobody else's number."""
    return len(value) >= DISTINCTIVE


def find(connection: Connection, customer_ids: Sequence[str]) -> Subjects:
    """Whom the ids mean, in the caller's transaction; leaves `pg_temp.subject_records`.

    Raises
    ------
    UnknownCustomerError
        If an id has no records, its records are several people's today, or no night was built since the last erasure.
    """
    heirs = sorted({heir_of(connection, one) for one in customer_ids})
    ids = sorted({*heirs, *_former(connection, heirs, is_theirs_alone=True), *customer_ids})
    connection.execute("drop table if exists pg_temp.subject_records")
    connection.execute(RECORDS, [ids])
    records = [key for (key,) in connection.execute("select record_key from pg_temp.subject_records order by 1")]
    subjects = Subjects(ids, records)
    _require_tables(connection)
    records += [key for (key,) in connection.execute(COMPANIES).fetchall()]
    subjects.keys["lists.list"] = _list_keys(connection, ids)
    for kind, value in _keys(records, [key for (key,) in connection.execute(KEYS).fetchall()]):
        subjects.keys[kind].add(value)
    subjects.values = [(kind, value) for kind, value in connection.execute(VALUES) if TELLING[kind].fullmatch(value)]
    return subjects


def add_shared(connection: Connection, subjects: Subjects) -> None:
    """Count the former ids that stood for somebody else as well among the subjects', but no record of theirs.

    What is known under such an id may be of either. Without it, the id would stand for those who are left.
    """
    shared = _former(connection, subjects.customer_ids, is_theirs_alone=False)
    subjects.keys["lists.list"] |= _list_keys(connection, shared)
    subjects.customer_ids = sorted({*subjects.customer_ids, *shared})


def _former(connection: Connection, customer_ids: Sequence[str], *, is_theirs_alone: bool) -> list[str]:
    return [one for (one,) in connection.execute(FORMER, [list(customer_ids), is_theirs_alone]).fetchall()]


def _list_keys(connection: Connection, customer_ids: Sequence[str]) -> set[str]:
    return {key for (key,) in connection.execute(LIST_KEYS, [list(customer_ids)] * 2)}


def heir_of(connection: Connection, customer_id: str) -> str:
    """The customer whom an id means today, by the records that it held to the last.

    Raises
    ------
    UnknownCustomerError
        If that is nobody, or several people.
    """
    found = connection.execute(HEIRS, [customer_id]).fetchall()
    if not found:
        raise UnknownCustomerError(
            f"no records belong to a person {customer_id}: there is none, or it was erased already"
        )
    if len(found) > 1:
        those = ", ".join(f"{heir} ({count})" for heir, count in found)
        raise UnknownCustomerError(f"{customer_id} is several people today, by its records: name one of {those}")
    return str(found[0][0])


def _require_tables(connection: Connection) -> None:
    for name in ("int_identity_values", "int_identity_records"):
        if connection.execute("select to_regclass(%s)", [f"intermediate.{name}"]).fetchone() == (None,):
            raise UnknownCustomerError("run a night first: what records say is worked out anew after an erasure")


def _keys(record_keys: Iterable[str], strong_keys: Iterable[str]) -> Iterable[tuple[str, str]]:
    for record_key in record_keys:
        kind, value = key_of(record_key)
        yield kind, value
        if kind == "shop.orders":
            yield "shop.order", value.removeprefix("C")
    for key in strong_keys:
        kind, _, value = key.partition(":")
        yield kind, value
