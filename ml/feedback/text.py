"""Texts in one form, and the language their letters say they are in."""

from __future__ import annotations

import re
import unicodedata
from importlib import resources

LANGUAGES = ("en", "zh")
UNREADABLE = "unknown"
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
# A mail is sought from the beginning of a word and by its first @ only: a text without spaces, or one of many @, would
# take the square of its length.
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|(?<!\S)\S[^\s@]*+@\S+\.\S+")
_LONG_RUN = re.compile(r"(.)\1{3,}")
_SPACE = re.compile(r"\s+")


def _simplifications() -> dict[int, str]:
    pairs = resources.files("ml.feedback").joinpath("simplified.txt").read_text(encoding="utf-8").split()
    return {ord(pair[0]): pair[1] for pair in pairs}


SIMPLIFIED = _simplifications()


def fold(text: object) -> str:
    """One form for equal words: compatible characters, lower case, simplified Chinese, no links, no long runs.

    What is no text, as null is in a frame, is empty.
    """
    plain = unicodedata.normalize("NFKC", text if isinstance(text, str) else "").lower().translate(SIMPLIFIED)
    plain = _LONG_RUN.sub(r"\1\1\1", _ADDRESS.sub(" ", plain))
    return _SPACE.sub(" ", plain).strip()


def language_of(folded: str, told: str | None = None) -> str:
    """'zh', 'en', or 'unknown' for a folded text: by its letters, which count more than what the source tells.

    A Chinese character says as much as a word, so the two are counted against each other. Latin letters are read as
    English unless the source tells of another language. A text whose letters are mostly of other scripts, or that has
    none at all, is unknown.
    """
    han = len(_HAN.findall(folded))
    words = len(_LATIN_WORD.findall(folded))
    letters = sum(map(len, _LATIN_WORD.findall(folded))) + han
    others = sum(character.isalpha() for character in folded) - letters
    if not han and not words or others > letters:
        return UNREADABLE
    if han >= words:
        return "zh"
    return "en" if told in (None, "en", "zh") else UNREADABLE
