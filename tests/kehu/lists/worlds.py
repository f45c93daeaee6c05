"""What dbt would have built for lists, made by hand: customers, consents, contacts, what was handed out, outcomes."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg

from kehu.lists.night import keep_lists
from kehu.lists.registry import Registry
from kehu.warehouse.runs import Night

DAY = date(2024, 6, 10)
TABLES = """
create table intermediate.lst_customers (
    customer_id text, as_of_date date, is_holdout boolean, reachable_by text[], occasion text, since date, until date,
    score numeric(16, 2), country text, customer_value numeric, value_model_version text
);
create table intermediate.lst_consents (
    customer_id text, channel text, given_purposes text[], withdrawn_purposes text[]
);
create table intermediate.lst_contacts (customer_id text, channel text, contact_date date);
create table intermediate.lst_keys (list_key text, list_id text, cost numeric, first_exported_on date);
create table intermediate.lst_handed_out (
    list_id text, customer_id text, occasion text, list_key text, channel text, first_exported_on date
);
create table intermediate.lst_outcomes (list_key text, is_final boolean, exclusion_reason text);
"""
NAMES = ("customers", "consents", "contacts", "keys", "handed_out", "outcomes")
TEXTS = dict.fromkeys(("reason_en", "reason_zh", "talking_points_en", "talking_points_zh"), "words")
KEPT = """
select list_id, customer_id, occasion, status, channel from history.list_candidates
where valid_from <= %(day)s and (valid_to is null or valid_to > %(day)s) order by 1, 2, 3
"""


def one_list(name="call", priority=1, **fields):
    """A list as the registry tells it."""
    told = {
        "id": name, "name_en": name, "name_zh": "名单", "readers": "sales", "owner": "sales", "version": 1,
        "priority": priority, "model": "lst_customers", "rule": "true", "occasion": "occasion", "since": "since",
        "until": "until", "channels": ["phone", "mail"], "purpose": "sales", "consent": "opt_out", "gain": "score",
        **TEXTS,
    }  # fmt: skip
    return told | fields


def customer(name, score=10, ways=("phone", "mail"), is_holdout=False, occasion="o", since=DAY, until=None):
    """A row of lst_customers."""
    return (
        name, DAY, is_holdout, list(ways), occasion, since, until or since + timedelta(days=30), score, "France", score,
        "v1",
    )  # fmt: skip


class World:
    """The tables of one database, and the nights kept on them."""

    def __init__(self, url):
        self.url = url
        with psycopg.connect(url) as connection:
            connection.execute(TABLES)

    def fill(self, **tables):
        """Replace all rows; tables that are not named become empty."""
        with psycopg.connect(self.url) as connection:
            for name in NAMES:
                connection.execute(f"truncate intermediate.lst_{name}")
                for row in tables.get(name, ()):
                    places = ", ".join(["%s"] * len(row))
                    connection.execute(f"insert into intermediate.lst_{name} values ({places})", row)

    def keep(self, *lists, caps=None, day=DAY):
        """Keep a night; who is what on which list."""
        registry = Registry.model_validate({"caps": caps or {}, "lists": list(lists)})
        with psycopg.connect(self.url) as connection:
            keep_lists(connection, Night(1, day), registry)
        with psycopg.connect(self.url) as connection:
            return connection.execute(KEPT, {"day": day}).fetchall()

    def rows(self, query):
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def forget(self):
        with psycopg.connect(self.url) as connection:
            connection.execute("truncate history.lists, history.list_candidates, history.nights")
