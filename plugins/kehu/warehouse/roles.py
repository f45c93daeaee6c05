"""The database roles of the stages: who a connection works as, carried by its URL.

Migration 0020 makes the roles and says what each may do. A URL with a role works for every driver that rests on libpq;
dbt is told by `kehu.warehouse.dbt.environment`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql


class Role(StrEnum):
    """A role that stages of the night work under."""

    LOADER = "loader"
    TRANSFORMER = "transformer"
    ML = "ml"
    PUBLISHER = "publisher"


def as_role(url: str, role: Role) -> str:
    """The URL of a connection that works under `role` from its first statement on; the login must be a member of it."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    query["options"] = f"{query.get('options', '')} -c role={role}".strip()
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))


def let_log_in(url: str, role: str, password: str) -> None:
    """Give a role a password to log in with; `url` is the owner's."""
    with psycopg.connect(url, autocommit=True) as connection:
        # As the server keeps it: in a statement that fails, its log would show the password.
        secret = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        statement = sql.SQL("alter role {} with login password {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Literal(secret)))


def role_of(url: str) -> str:
    """The role in whose name a URL's connection works; empty: the login's own."""
    options = parse_qs(urlsplit(url).query).get("options", [""])[-1]
    found = re.findall(r"-c\s*role=(\w+)", options)
    return found[-1] if found else ""
