"""One access token per connection, shared by all tasks and machines, kept sealed in `ops.access_tokens`.

Vendors limit how often a token may be minted, so it is minted only under a lock, and only if the kept one is
spent. What is kept can be opened only by who has the connection's secrets: the table alone gives nothing away.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Protocol

import psycopg
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKENS_LOCK = 0x6B746F6B
MARGIN_SECONDS = 300.0


@dataclass(frozen=True)
class AccessToken:
    """A token, until when it lives, and what its issuer told along with it (the API's host, the tenant)."""

    value: str = field(repr=False)
    expires_at: datetime
    details: Mapping[str, str] = field(default_factory=dict, repr=False)

    def lives(self, seconds: float) -> bool:
        """Whether it lives for at least so many seconds more."""
        return self.expires_at > datetime.now(timezone.utc) + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Grant:
    """The right to mint tokens: the name they are shared under, the secrets that seal them, and how to mint one."""

    name: str
    secrets: tuple[str, ...] = field(repr=False)
    mint: Callable[[], AccessToken] = field(repr=False)


class Tokens(Protocol):
    """Where tokens are kept. What a grant's `mint` raises passes through."""

    def token(self, grant: Grant, margin_seconds: float = MARGIN_SECONDS) -> AccessToken:
        """The kept token if it lives for the margin, else a new one."""
        ...

    def renew(self, grant: Grant, refused: str) -> AccessToken:
        """A new token in place of a refused one, unless somebody was faster: then theirs."""
        ...


class MemoryTokens:
    """Tokens of this process only, to try a connection without a warehouse."""

    def __init__(self) -> None:
        self._kept: dict[str, AccessToken] = {}
        self._lock = threading.Lock()

    def token(self, grant: Grant, margin_seconds: float = MARGIN_SECONDS) -> AccessToken:
        return self._kept_or_minted(grant, lambda kept: kept.lives(margin_seconds))

    def renew(self, grant: Grant, refused: str) -> AccessToken:
        return self._kept_or_minted(grant, lambda kept: kept.value != refused)

    def _kept_or_minted(self, grant: Grant, is_good: Callable[[AccessToken], bool]) -> AccessToken:
        with self._lock:
            kept = self._kept.get(grant.name)
            if kept is None or not is_good(kept):
                kept = self._kept[grant.name] = grant.mint()
            return kept


class WarehouseTokens:
    """Tokens in the warehouse, for every task that knows the same secrets."""

    def __init__(self, url: str) -> None:
        self._url = url

    def token(self, grant: Grant, margin_seconds: float = MARGIN_SECONDS) -> AccessToken:
        with psycopg.connect(self._url) as connection:
            kept = _kept(connection, grant)
        if kept is not None and kept.lives(margin_seconds):
            return kept
        return self._kept_or_minted(grant, lambda kept: kept.lives(margin_seconds))

    def renew(self, grant: Grant, refused: str) -> AccessToken:
        return self._kept_or_minted(grant, lambda kept: kept.value != refused and kept.lives(0))

    def _kept_or_minted(self, grant: Grant, is_good: Callable[[AccessToken], bool]) -> AccessToken:
        """Look again under the lock: who waited for it finds what its former holder minted."""
        with psycopg.connect(self._url) as connection:
            connection.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", [TOKENS_LOCK, grant.name])
            kept = _kept(connection, grant)
            if kept is not None and is_good(kept):
                return kept
            minted = grant.mint()
            _keep(connection, grant, minted)
            return minted


def _kept(connection: psycopg.Connection, grant: Grant) -> AccessToken | None:
    """The kept token; None if there is none, or one sealed with secrets that have changed since."""
    query = "select sealed, expires_at from ops.access_tokens where name = %s"
    row = connection.execute(query, [grant.name]).fetchone()
    if row is None:
        return None
    try:
        opened = json.loads(_seal(grant).decrypt(bytes(row[0])))
    except InvalidToken:
        return None
    return AccessToken(opened["value"], row[1], opened["details"])


def _keep(connection: psycopg.Connection, grant: Grant, token: AccessToken) -> None:
    sealed = _seal(grant).encrypt(json.dumps({"value": token.value, "details": dict(token.details)}).encode())
    connection.execute(
        """
        insert into ops.access_tokens (name, sealed, expires_at) values (%s, %s, %s)
        on conflict (name) do update set
            sealed = excluded.sealed, expires_at = excluded.expires_at, minted_at = clock_timestamp()
        """,
        [grant.name, sealed, token.expires_at],
    )


def _seal(grant: Grant) -> Fernet:
    """A key from the connection's own secrets, bound to the name, so that sealed values cannot change places."""
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"kehu access token " + grant.name.encode())
    return Fernet(base64.urlsafe_b64encode(derive.derive(json.dumps(grant.secrets).encode())))
