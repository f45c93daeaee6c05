"""Keyed hashes: they tell an erased key again when it comes back, or two equal values, and tell nobody who it was.

HMAC-SHA256 (RFC 2104). The key comes from the environment of the process and is never sent to a database.
"""

from __future__ import annotations

import hashlib
import hmac
import os

ERASURE = "KEHU_ERASURE_KEY"
PSEUDONYMS = "KEHU_PSEUDONYM_KEY"
VAULT = "KEHU_VAULT_KEY"
# What would follow if each were missing.
DANGERS = {
    ERASURE: "the erased could come back",
    PSEUDONYMS: "pseudonyms could be guessed",
    VAULT: "nothing could be sealed or read",
}
LEAST_BYTES = 16


class HashKeyError(RuntimeError):
    """The key of the hashes is missing, too short, or another one than the hashes were made with."""


class HashKey:
    """A key of the installation."""

    def __init__(self, secret: str, variable: str = ERASURE) -> None:
        if len(secret.encode()) < LEAST_BYTES:
            raise HashKeyError(f"{variable} is missing or shorter than {LEAST_BYTES} bytes: {DANGERS[variable]}")
        self._secret = secret.encode()

    @classmethod
    def from_environment(cls, variable: str = ERASURE) -> HashKey:
        """The key that the environment names in a variable.

        Raises
        ------
        HashKeyError
            If there is none, or it is too short.
        """
        return cls(os.environ.get(variable, ""), variable)

    @property
    def key_id(self) -> str:
        """What tells this key from others; 16 hexadecimal digits."""
        return self.hash("key id", "")[:16]

    def hash(self, kind: str, value: str) -> str:
        """The keyed hash of a value of some kind; 64 hexadecimal digits."""
        return hmac.new(self._secret, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()
