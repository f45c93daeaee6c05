"""Why records are one customer: the records, the id's history, each link with its evidence, and who is tied by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from ml.identity.evidence import Step, waterfall
from ml.identity.model import Model
from ml.identity.paths import strongest_ties
from ml.identity.settings import Kind, Linkage, Settings, load
from ml.identity.store import newest_model

MODEL, DECISION = "model", "decision"
VALUES = (
    "name_key", "name_han", "mails", "phones", "birth_date", "street", "postcode", "city", "country", "company",
    "registration", "domains",
)  # fmt: skip
HEIRS = "select kind, customer_id, is_living, count_records from identity.heirs(%s) order by 4 desc, 2"
LAST_NIGHT = "select max(valid_to) from identity.assignments where customer_id = %s"
RECORDS = """
    select
        assignments.record_key,
        split_part(assignments.record_key, ':', 1) as entity,
        records.known_at,
        assignments.valid_from
    from identity.assignments
    left join intermediate.int_identity_records as records using (kind, record_key)
    where assignments.kind = %s and assignments.customer_id = %s and assignments.valid_to is null
    order by records.known_at nulls last, assignments.record_key
"""
NIGHT = "select settings_hash, as_of_date from identity.nights where kind = %s and holds_state"
LINKS = """
    select left_key, right_key, rule, match_probability, match_weight, cast(evidence as jsonb) as evidence
    from identity.links
    where kind = %s and left_key = any(%s) and right_key = any(%s)
"""
ALIASES = "select customer_id from identity.former_ids(array[%s]) where is_theirs_alone order by 1"
HISTORY = """
    select as_of_date, event, customer_id, other_customer_id, count_records
    from identity.merge_log
    where customer_id = any(%(ids)s) or other_customer_id = any(%(ids)s)
    order by as_of_date, event, customer_id, other_customer_id
"""


class UnknownCustomerError(LookupError):
    """No customer has this id now, none that had it lives on, or several do."""


@dataclass(frozen=True)
class Record:
    """A record of the customer: since when it is known, and since which night it belongs to the customer."""

    record_key: str
    entity: str
    known_at: datetime | None
    valid_from: date


@dataclass(frozen=True)
class Event:
    """Something that happened to the customer's id or to one of its aliases, as `identity.merge_log` tells it."""

    as_of_date: date
    event: str
    customer_id: str
    other_customer_id: str
    count_records: int


@dataclass(frozen=True)
class Link:
    """A link between two of the customer's records; `steps` add up to `weight` (bits), none for a certain rule."""

    left_key: str
    right_key: str
    rule: str
    probability: float
    weight: float
    is_own_key: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Tie:
    """How a record hangs together with the customer's first record: by this link, over this next record."""

    record_key: str
    towards: str
    link: Link


@dataclass(frozen=True)
class Explained:
    """A customer: `records` by the time they were known, `links` from the strongest, `ties` from the first record."""

    asked: str
    customer_id: str
    kind: Kind
    records: tuple[Record, ...]
    aliases: tuple[str, ...]
    history: tuple[Event, ...]
    links: tuple[Link, ...]
    ties: tuple[Tie, ...]

    @property
    def untied(self) -> tuple[str, ...]:
        """Records that no recorded link ties to the first one: their pairs were looked at within the component only."""
        tied = {tie.record_key for tie in self.ties}
        return tuple(record.record_key for record in self.records[1:] if record.record_key not in tied)


def explain(url: str, customer_id: str, settings: Settings | None = None) -> Explained:
    """Read all that is known of a customer; an alias stands for the customer that it lives on in.

    `settings` are those that the night linked with; None: the shipped ones.

    Raises
    ------
    UnknownCustomerError
        If there is no such customer, or none any more, or if the records of an alias are several customers' today.
    """
    with psycopg.connect(url) as connection:
        living, kind = _living(connection, customer_id)
        records = _rows(connection, Record, RECORDS, [kind, living])
        aliases = tuple(row[0] for row in connection.execute(ALIASES, [living]).fetchall())
        history = _rows(connection, Event, HISTORY, {"ids": [living, *aliases]})
        keys = [record.record_key for record in records]
        with connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(LINKS, [kind, keys, keys]).fetchall()
        night = connection.execute(NIGHT, [kind]).fetchone()
    linkage, model = (settings or load()).of(kind), newest_model(url, kind, *night) if night else None
    links = sorted((_link(row, linkage, model) for row in found), key=_strength)
    return Explained(customer_id, living, kind, records, aliases, history, tuple(links), ties_of(keys, links))


def ties_of(keys: Sequence[str], links: Sequence[Link]) -> tuple[Tie, ...]:
    """The chains of strongest links from the first of `keys` on; a decision against a pair ties nothing."""
    usable = [link for link in links if link.rule != DECISION or link.weight > 0]
    ties = strongest_ties(keys, [(link.left_key, link.right_key) for link in usable])
    return tuple(Tie(record, towards, usable[n]) for record, (towards, n) in ties.items())


def read_values(url: str, explained: Explained) -> list[dict[str, Any]]:
    """The normalised values of the customer's records, in their order: personal data, for the eyes of who asks."""
    query = f"""
        select record_key, {", ".join(VALUES)} from intermediate.int_identity_records
        where kind = %s and record_key = any(%s) order by known_at nulls last, record_key
    """
    keys = [record.record_key for record in explained.records]
    with psycopg.connect(url) as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [explained.kind, keys]).fetchall()  # type: ignore[arg-type, unused-ignore]


def _living(connection: psycopg.Connection, customer_id: str) -> tuple[str, Kind]:
    """The customer that an id stands for today, and its kind."""
    found = connection.execute(HEIRS, [customer_id]).fetchall()
    if not found:
        raise UnknownCustomerError(f"no customer has the id {customer_id}")
    living = [(heir, kind, count) for kind, heir, is_living, count in found if is_living]
    if not living:
        (until,) = connection.execute(LAST_NIGHT, [found[0][1]]).fetchall()[0]
        raise UnknownCustomerError(f"{customer_id} has no records any more since the night of {until}")
    if len(living) > 1:
        those = ", ".join(f"{heir} ({count})" for heir, _, count in living)
        raise UnknownCustomerError(f"{customer_id} is several customers today, by its records: ask for one of {those}")
    return living[0][:2]


def _rows(connection: psycopg.Connection, made: type[Any], query: str, values: Any) -> tuple[Any, ...]:
    with connection.cursor(row_factory=class_row(made)) as cursor:
        return tuple(cursor.execute(query, values).fetchall())  # type: ignore[arg-type, unused-ignore]


def _link(row: dict[str, Any], linkage: Linkage, model: Model | None) -> Link:
    steps = waterfall(row["evidence"], row["match_weight"], linkage, model)
    return Link(
        row["left_key"],
        row["right_key"],
        row["rule"],
        row["match_probability"],
        row["match_weight"],
        row["rule"] in linkage.keys.uniting,
        steps,
    )


def _strength(link: Link) -> tuple[bool, bool, float, str, str, str]:
    """Sorts decisions before records' own keys before the rest by weight."""
    return link.rule != DECISION, not link.is_own_key, -link.weight, link.left_key, link.right_key, link.rule
