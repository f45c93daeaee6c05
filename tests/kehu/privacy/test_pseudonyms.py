"""Pseudonyms: equal for equal values under one key, kept once, made anew with another key, never guessable without."""

from __future__ import annotations

import hashlib
import hmac

import psycopg
import pytest

from kehu.privacy.keys import PSEUDONYMS, HashKey, HashKeyError
from kehu.privacy.pseudonyms import pseudonymise

SECRET = "a key that only this test knows"
KNOWN = "select domain, value, pseudonym, key_id from identity.pseudonyms order by 1, 2"


@pytest.fixture
def values(url):
    with psycopg.connect(url) as connection:
        connection.execute("""
            insert into identity.normal_mails values ('A@x.org', 'a@x.org'), ('a@X.org', 'a@x.org'), ('none', null);
            insert into identity.normal_phones values ('1', 'GB', '+441'), ('01', 'GB', '+441'), ('a', '', 'a@x.org')
        """)
    return url


def rows(url, query=KNOWN):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def expected(secret, domain, value):
    return hmac.new(secret.encode(), f"{domain}:{value}".encode(), hashlib.sha256).hexdigest()


def test_each_value_is_hashed_once_with_its_domain(values):
    key = HashKey(SECRET)
    assert pseudonymise(values, key) == 3
    assert rows(values) == [
        (domain, value, expected(SECRET, domain, value), key.key_id)
        for domain, value in [("mail", "a@x.org"), ("phone", "+441"), ("phone", "a@x.org")]
    ]
    assert pseudonymise(values, key) == 0
    assert len({pseudonym for _, _, pseudonym, _ in rows(values)}) == 3


def test_another_key_makes_all_anew(values):
    pseudonymise(values, HashKey(SECRET))
    other = HashKey("another key, just as long")
    assert pseudonymise(values, other) == 3
    assert {key_id for *_, key_id in rows(values)} == {other.key_id}


def test_without_a_key_there_are_none(values, monkeypatch):
    monkeypatch.delenv(PSEUDONYMS, raising=False)
    with pytest.raises(HashKeyError, match="KEHU_PSEUDONYM_KEY is missing or shorter than 16 bytes"):
        HashKey.from_environment(PSEUDONYMS)
