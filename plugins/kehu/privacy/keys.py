"""Keyed hashes: they tell an erased key again when it comes back, and tell nobody who it was.

HMAC-SHA256 (RFC 2104). The key comes from the environment of the process and is never sent to a database.
"""

from __future__ import annotations

import hashlib
import hmac
import os

VARIABLE = "KEHU_ERASURE_KEY"
LEAST_BYTES = 16


class HashKeyError(RuntimeError):
    """The key of the hashes is missing, too short, or another one than the hashes were made with."""


class HashKey:
    """The installation's key."""

    def __init__(self, secret: str) -> None:
        if len(secret.encode()) < LEAST_BYTES:
            raise HashKeyError(f"{VARIABLE} is missing or shorter than {LEAST_BYTES} bytes: the erased could come back")
        self._secret = secret.encode()

    @classmethod
    def from_environment(cls) -> HashKey:
        """The key that the environment names.

        Raises
        ------
        HashKeyError
            If there is none, or it is too short.
        """
        return cls(os.environ.get(VARIABLE, ""))

    @property
    def key_id(self) -> str:
        """What tells this key from others; 16 hexadecimal digits."""
        return self.hash("key id", "")[:16]

    def hash(self, kind: str, value: str) -> str:
        """The keyed hash of a value of some kind; 64 hexadecimal digits."""
        return hmac.new(self._secret, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()
