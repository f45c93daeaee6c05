"""Reproducible randomness: one generator per seed, chunk and purpose, and numbers that look random but never repeat."""

from __future__ import annotations

from math import gcd
from zlib import crc32

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
NEVER = 1 << 60  # a time that does not come; in seconds since the epoch like all times here


def generator(seed: int, chunk: int, purpose: str) -> np.random.Generator:
    """A generator of its own, so that a draw added for one purpose changes no other."""
    return np.random.default_rng([seed, chunk, crc32(purpose.encode())])


def scramble(index: npt.ArrayLike, modulus: int, kind: str) -> npt.NDArray[np.int64]:
    """Map 0 … modulus-1 onto itself, one to one, another way for each kind; modulus at most 10^10.

    Numbers made from indices must be unique without a memory of those given out, and tell nothing of the order.
    """
    word = crc32(kind.encode())
    factor = int(modulus * 0.6180339887) + word % 997
    while gcd(factor, modulus) != 1:
        factor += 1
    # Python's integers would be exact but slow; below 10^10 × 10^8 an int64 is exact too.
    return (np.asarray(index, dtype=np.int64) % modulus * factor + word) % modulus


def pick(options: list[str], numbers: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """The options by number, as an array of Python strings."""
    return np.array(options, dtype=object)[np.asarray(numbers)]
