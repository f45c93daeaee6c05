"""Many values sought in much text at once.

Text is cut into words; only where a word is the longest one of some value is that value looked for as it is written. So
the time does not grow with the number of values.
"""

from __future__ import annotations

import gzip
import html
import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator

BLOT = "[erased]"
BEFORE, AFTER = rb"(?<![0-9A-Za-z\x80-\xff])", rb"(?![0-9A-Za-z\x80-\xff])"
# The same for text that still has its escapes.
LETTER_BEFORE, LETTER_AFTER = r"(?:(?<![0-9A-Za-z\x80-\U0010ffff])|(?<=\\[nrtbf]))", r"(?![0-9A-Za-z\x80-\U0010ffff])"
# All that is no letter and no digit is a blank; bytes beyond ASCII belong to letters.
BLANKS = bytes(byte if byte >= 0x80 or chr(byte).isalnum() else 0x20 for byte in range(256))
# Line ends and tabs as COPY and JSON write them: the letter behind the backslash belongs to no word.
ESCAPES = re.compile(rb"\\[nrtbf]")


class Sought:
    """Values to find, in any case of letters, each as a word or words of its own."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form.lower() for text in values for form in (text, html.escape(text), json.dumps(text)[1:-1])}
        self._anchored: dict[bytes, list[tuple[bytes, re.Pattern[bytes]]]] = defaultdict(list)
        self._unanchored: list[bytes] = []
        for form in sorted(forms):
            plain = form.encode()
            if form.isascii():
                anchor = max(plain.translate(BLANKS).split(), key=len)
                self._anchored[anchor].append((plain, re.compile(BEFORE + re.escape(plain) + AFTER)))
            else:
                # Chinese is written without blanks: such a value may stand in the midst of a word.
                self._unanchored.append(plain)
        self.count = len(forms)

    def is_in(self, content: bytes) -> bool:
        """Whether any value is in the text."""
        return next(self._found(content), None) is not None

    def blot(self, content: bytes) -> bytes:
        """The text with every value overwritten; the same object if there is none."""
        text = content.decode("utf-8", "surrogateescape")
        patterns = set(self._found(content))
        if not patterns:
            return content
        for pattern in patterns:
            inner = pattern.pattern.decode().removeprefix(BEFORE.decode()).removesuffix(AFTER.decode())
            around = (LETTER_BEFORE, LETTER_AFTER) if pattern.pattern.startswith(BEFORE) else ("", "")
            text = re.sub(f"{around[0]}{inner}{around[1]}", BLOT, text, flags=re.IGNORECASE)
        return text.encode("utf-8", "surrogateescape")

    def _found(self, content: bytes) -> Iterator[re.Pattern[bytes]]:
        text = ESCAPES.sub(b" ", content).decode("utf-8", "ignore").lower().encode()
        for word in set(text.translate(BLANKS).split()) & self._anchored.keys():
            # Most texts that have the word have not the value; a plain search is much faster than an expression.
            yield from (pattern for plain, pattern in self._anchored[word] if plain in text and pattern.search(text))
        yield from (re.compile(re.escape(one)) for one in self._unanchored if one in text)


def unpacked(content: bytes) -> Iterator[bytes]:
    """The content, or what a gzip or zip file holds: names and members."""
    if content[:2] == b"\x1f\x8b":
        yield from unpacked(gzip.decompress(content))
    elif content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from unpacked(archive.read(name))
    else:
        yield content
