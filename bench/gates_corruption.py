"""What a corruption is: files that are spoilt at a magnitude, and what the gates must say to it.

`number` is the corruption's in docs/quality.md; `wanted` what must happen at `stated`: B(lock), Q(uarantine),
W(arn), or `-` for no effect.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Corruption:
    """`spoil(rows, other, magnitude)` gives a file's bytes, None for no file, or a packed file as `Packed`.

    `rows` are what the file has: for order lines lists of cells, the header first, and `other` is the bytes of the day
    before; for records objects, and `other` are those of all files before. The newest `days` files are spoilt. With
    `is_late` it is the one that many days before the newest; with `is_sent_twice` it comes again the same night.
    """

    number: int
    name: str
    wanted: str
    stated: float
    magnitudes: tuple[float, ...]
    spoil: Callable[[Any, Any, float], bytes | Packed | None]
    entity: tuple[str, str] = ("shop", "order_lines")
    days: int = 1
    is_late: bool = False
    is_sent_twice: bool = False


class Packed(bytes):
    """The bytes of a file that is packed already."""


def gzip_of_zeros(size: int) -> Packed:
    """A small file that unpacks to `size` bytes."""
    sink = io.BytesIO()
    block = bytes(1 << 20)
    with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=1) as stream:
        for _ in range(size >> 20):
            stream.write(block)
    return Packed(sink.getvalue())
