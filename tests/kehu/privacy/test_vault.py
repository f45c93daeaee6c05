"""Sealed values: opened by the person's key alone, each for its person and field, and keys by the secret alone."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from hypothesis import given
from hypothesis import strategies as st

from kehu.privacy.keys import VAULT, HashKey, HashKeyError
from kehu.privacy.vault import Vault, VaultError

SECRET = "a secret of the installation"
OTHER = "another secret, just as long"
VAULT_OF_TESTS = Vault(HashKey(SECRET))


def person(customer_id="P-1", vault=VAULT_OF_TESTS):
    return vault.unwrap(customer_id, vault.draw(), vault.key_id)


def test_a_sealed_value_is_what_its_documentation_says():
    """Opened by the standards alone, without the module: RFC 2104, 3394, 8452."""
    wrapped = VAULT_OF_TESTS.draw()
    sealed = VAULT_OF_TESTS.unwrap("P-1", wrapped, VAULT_OF_TESTS.key_id).seal("mail", "ann@example.com")
    key = aes_key_unwrap(hmac.new(SECRET.encode(), b"wrapping key:", hashlib.sha256).digest(), wrapped)
    assert AESGCMSIV(key).decrypt(bytes(12), b64decode(sealed), b"P-1\nmail") == b"ann@example.com"


@given(st.text())
def test_any_text_comes_back(text):
    key = person()
    assert key.open("full_name", key.seal("full_name", text)) == text


def test_equal_values_look_equal_within_one_persons_field_only():
    ann, bo = person("P-1"), person("P-2")
    sealed = ann.seal("mail", "one@example.com")
    assert sealed == ann.seal("mail", "one@example.com")
    others = {
        bo.seal("mail", "one@example.com"),
        ann.seal("phone", "one@example.com"),
        person("P-1").seal("mail", "one@example.com"),
    }
    assert len({sealed, *others}) == 4


def test_nothing_opens_for_another_person_or_field_or_after_a_change():
    wrapped = VAULT_OF_TESTS.draw()
    ann, bo = (VAULT_OF_TESTS.unwrap(one, wrapped, VAULT_OF_TESTS.key_id) for one in ("P-1", "P-2"))
    sealed = ann.seal("mail", "ann@example.com")
    changed = ("B" if sealed[0] == "A" else "A") + sealed[1:]
    for key, field, text in ((bo, "mail", sealed), (ann, "phone", sealed), (ann, "mail", changed), (ann, "mail", "?")):
        with pytest.raises(VaultError, match="was not sealed under this person's key") as refusal:
            key.open(field, text)
        assert sealed not in str(refusal.value)


def test_a_former_secret_opens_keys_until_they_are_wrapped_anew():
    wrapped, former = VAULT_OF_TESTS.draw(), VAULT_OF_TESTS.key_id
    sealed = VAULT_OF_TESTS.unwrap("P-1", wrapped, former).seal("mail", "ann@example.com")
    both, new = Vault(HashKey(OTHER), HashKey(SECRET)), Vault(HashKey(OTHER))
    with pytest.raises(VaultError, match=rf"wrapped by the vault key {former}, and this is {new.key_id}"):
        new.unwrap("P-1", wrapped, former)
    again = both.rewrap("P-1", wrapped, former)
    assert new.unwrap("P-1", again, new.key_id).open("mail", sealed) == "ann@example.com"
    with pytest.raises(VaultError, match="the key of P-1 was changed"):
        VAULT_OF_TESTS.unwrap("P-1", again, former)


def test_the_secret_comes_from_the_environment():
    both = Vault.from_environment({VAULT: f"{OTHER}\n\n{SECRET}\n"})
    assert both.key_id == HashKey(OTHER).key_id
    both.unwrap("P-1", VAULT_OF_TESTS.draw(), VAULT_OF_TESTS.key_id)
    for environment in ({}, {VAULT: "short"}, {VAULT: f"{SECRET}\nshort"}):
        with pytest.raises(HashKeyError, match="KEHU_VAULT_KEY is missing or shorter than 16 bytes"):
            Vault.from_environment(environment)
