"""Values sealed under a key per person: whoever destroys the key has destroyed all that was ever sealed under it.

A value becomes AES-256-GCM-SIV (RFC 8452) of itself under the person's key, bound to person and field. Equal values of
one field of one person become equal texts, so that a change is seen without the key, and nothing else does: the nonce
is constant, which this mode allows at the price of just that. The person's key is drawn at random and kept wrapped (AES
key wrap, RFC 3394) under a key that is derived from the installation's secret, which no database knows.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from kehu.privacy.keys import VAULT, HashKey

KEY_BYTES = 32
NONCE = bytes(12)


class VaultError(RuntimeError):
    """A key or a value cannot be opened; the message tells of neither."""


@dataclass(frozen=True)
class PersonKey:
    """The opened key of one person."""

    customer_id: str
    key: bytes

    def seal(self, field: str, value: str) -> str:
        """The value under this key, base64."""
        sealed = AESGCMSIV(self.key).encrypt(NONCE, value.encode(), self._bound_to(field))
        return b64encode(sealed).decode()

    def open(self, field: str, sealed: str) -> str:
        """The value that was sealed.

        Raises
        ------
        VaultError
            If it was sealed for another person or field, under another key, or was changed since.
        """
        try:
            return AESGCMSIV(self.key).decrypt(NONCE, b64decode(sealed), self._bound_to(field)).decode()
        except (InvalidTag, ValueError):
            raise VaultError(f"{field} of {self.customer_id} was not sealed under this person's key") from None

    def seal_fields(self, clear: Mapping[str, str]) -> dict[str, str]:
        """Each field's value under this key."""
        return {field: self.seal(field, value) for field, value in clear.items()}

    def open_fields(self, sealed: Mapping[str, str]) -> dict[str, str]:
        """Each field's value; raises as `open`."""
        return {field: self.open(field, value) for field, value in sealed.items()}

    def _bound_to(self, field: str) -> bytes:
        return f"{self.customer_id}\n{field}".encode()


class Vault:
    """What opens people's keys: the installation's secret, and former ones while they are being replaced."""

    def __init__(self, key: HashKey, *former: HashKey) -> None:
        self.key_id = key.key_id
        self._wrapping = {one.key_id: bytes.fromhex(one.hash("wrapping key", "")) for one in (key, *former)}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Vault:
        """The vault of `KEHU_VAULT_KEY`: the present secret in its first line, former ones in the next.

        Raises
        ------
        HashKeyError
            If there is none, or one is too short.
        """
        lines = [line.strip() for line in environment.get(VAULT, "").splitlines() if line.strip()]
        return cls(*(HashKey(line, VAULT) for line in lines or [""]))

    def draw(self) -> bytes:
        """A new person's key, wrapped."""
        return self._wrap(os.urandom(KEY_BYTES))

    def unwrap(self, customer_id: str, wrapped_key: bytes, key_id: str) -> PersonKey:
        """A person's key, opened.

        Raises
        ------
        VaultError
            If the secret that wrapped it is not here.
        """
        if key_id not in self._wrapping:
            raise VaultError(
                f"people's keys are wrapped by the vault key {key_id}, and this is {self.key_id}: give the former"
                f" as the second line of {VAULT}"
            )
        try:
            return PersonKey(customer_id, aes_key_unwrap(self._wrapping[key_id], bytes(wrapped_key)))
        except InvalidUnwrap:
            raise VaultError(f"the key of {customer_id} was changed since it was wrapped") from None

    def rewrap(self, customer_id: str, wrapped: bytes, key_id: str) -> bytes:
        """The same person's key, wrapped by the present secret."""
        return self._wrap(self.unwrap(customer_id, wrapped, key_id).key)

    def _wrap(self, key: bytes) -> bytes:
        return aes_key_wrap(self._wrapping[self.key_id], key)
