"""Shared access tokens and the day's count of calls."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone

import psycopg
import pytest

from kehu.warehouse import quota
from kehu.warehouse.tokens import AccessToken, Grant, MemoryTokens, WarehouseTokens

SECRETS = ("client", "client-secret", "refresh-secret")


class Issuer:
    """Mints numbered tokens and notices when asked by two at once."""

    def __init__(self, lives_seconds: float = 3600) -> None:
        self.count, self.lives_seconds, self.was_concurrent = 0, lives_seconds, False
        self._busy = threading.Lock()

    def mint(self) -> AccessToken:
        if not self._busy.acquire(blocking=False):
            self.was_concurrent = True
        time.sleep(0.02)
        self.count += 1
        self._busy.release()
        expires_at = datetime.now(timezone.utc) + timedelta(seconds=self.lives_seconds)
        return AccessToken(f"token-{self.count}", expires_at, {"api_domain": "https://api.example"})

    def grant(self, name: str = "zoho", secrets: tuple[str, ...] = SECRETS) -> Grant:
        return Grant(name, secrets, self.mint)


@pytest.fixture(params=["warehouse", "memory"])
def tokens(request):
    if request.param == "memory":
        return MemoryTokens()
    return WarehouseTokens(request.getfixturevalue("url"))


def test_a_token_is_minted_once_and_kept(tokens):
    issuer = Issuer()
    first, second = tokens.token(issuer.grant()), tokens.token(issuer.grant())
    assert first == second
    assert (first.value, first.details, issuer.count) == ("token-1", {"api_domain": "https://api.example"}, 1)


def test_a_token_near_its_end_is_replaced(tokens):
    issuer = Issuer(lives_seconds=100)
    assert tokens.token(issuer.grant(), margin_seconds=50).value == "token-1"
    assert tokens.token(issuer.grant(), margin_seconds=150).value == "token-2"


def test_many_ask_at_once_and_one_is_minted(tokens):
    issuer = Issuer()
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda _: tokens.token(issuer.grant()).value, range(8)))
    assert (set(values), issuer.count, issuer.was_concurrent) == ({"token-1"}, 1, False)


def test_a_refused_token_is_renewed_once_for_all(tokens):
    issuer = Issuer()
    refused = tokens.token(issuer.grant()).value
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda _: tokens.renew(issuer.grant(), refused).value, range(8)))
    assert (set(values), issuer.count, issuer.was_concurrent) == ({"token-2"}, 2, False)


def test_what_a_mint_raises_passes_and_nothing_is_kept(tokens):
    def fails() -> AccessToken:
        raise LookupError("no")

    with pytest.raises(LookupError):
        tokens.token(Grant("zoho", SECRETS, fails))
    assert tokens.token(Issuer().grant()).value == "token-1"


def test_names_are_apart(tokens):
    one, other = Issuer(), Issuer()
    tokens.token(one.grant("zoho"))
    tokens.token(other.grant("zoho_cn"))
    assert (one.count, other.count) == (1, 1)


def test_two_machines_share_one_token(url):
    issuer = Issuer()
    assert WarehouseTokens(url).token(issuer.grant()) == WarehouseTokens(url).token(issuer.grant())
    assert issuer.count == 1


def test_changed_secrets_count_as_no_token(url):
    issuer = Issuer()
    WarehouseTokens(url).token(issuer.grant())
    assert WarehouseTokens(url).token(issuer.grant(secrets=("client", "client-secret", "new"))).value == "token-2"
    assert WarehouseTokens(url).token(issuer.grant()).value == "token-3"


def test_the_table_gives_nothing_away(url):
    issuer = Issuer()
    tokens = WarehouseTokens(url)
    tokens.token(issuer.grant("a"))
    with psycopg.connect(url) as connection:
        (sealed,) = connection.execute("select sealed from ops.access_tokens").fetchone()
        for secret in (b"token-1", b"api.example", *(part.encode() for part in SECRETS)):
            assert secret not in bytes(sealed)
        # Under another name the same seal does not open.
        connection.execute("insert into ops.access_tokens select 'b', sealed, expires_at from ops.access_tokens")
    assert tokens.token(issuer.grant("b")).value == "token-2"


def test_no_secret_shows_in_a_repr():
    issuer = Issuer()
    shown = repr(issuer.grant()) + repr(issuer.mint())
    assert "secret" not in shown and "token-1" not in shown and "api.example" not in shown


def test_calls_are_counted_per_source_and_day(url):
    monday, tuesday = date(2026, 3, 2), date(2026, 3, 3)
    assert quota.used(url, "fx", monday) == 0
    assert quota.add(url, "fx", monday, 3) == 3
    assert quota.add(url, "fx", monday, -1) == 2
    quota.add(url, "fx", tuesday, 5)
    quota.add(url, "other", monday, 7)
    calls = quota.DailyCalls(url, "fx")
    assert (calls.used(monday), calls.used(tuesday), calls.add(tuesday, 1)) == (2, 5, 6)


def test_calls_of_many_tasks_add_up(url):
    day = date(2026, 3, 2)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: quota.add(url, "fx", day, 1), range(20)))
    assert sorted(counts) == list(range(1, 21))
