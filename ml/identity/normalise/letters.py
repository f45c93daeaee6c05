"""Folding of text to what compares: case, accents, widths, apostrophes and invisible characters do not matter."""

from __future__ import annotations

import re
import unicodedata

APOSTROPHES = "'’‘`´ʹʻʼʽ′"
# Letters that do not decompose, written as their languages do without accents.
LATIN = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ı": "i", "ŋ": "n", "ə": "a",
    "ħ": "h", "ʒ": "z", "ɣ": "g", "ĳ": "ij",
}  # fmt: skip
NAMED = re.compile(r"LATIN (?:SMALL |CAPITAL )?(?:LETTER )?([A-Z])\b")
# Not after a vowel (Bauer) or q (Henrique), not at the end (Joe), not before e (Saeed): there it was never an umlaut.
SPELLED_UMLAUT = re.compile(r"(?<![aeiouyq])([aou])e(?=[a-df-z])")
HAN = r"〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"


class Folding(dict[int, str]):
    """A table for `str.translate` that works out each character when it first meets it."""

    def __init__(self, digits: bool) -> None:
        self.digits = digits

    def __missing__(self, code: int) -> str:
        self[code] = folded = self._fold(chr(code))
        return folded

    def _fold(self, character: str) -> str:
        category = unicodedata.category(character)
        if character in APOSTROPHES or category == "Cf":
            return ""
        if category[0] == "L" or character == "〇":
            return _plain(character)
        if category[0] == "M":
            # Accents go; vowel signs of other scripts are letters like any other.
            return character if unicodedata.name(character, "").split(" ")[0] not in MARKS else ""
        if category == "Nd" and self.digits:
            return str(unicodedata.digit(character))
        return " "


MARKS = {"COMBINING", "VARIATION", "MONGOLIAN", ""}
LETTERS, LETTERS_AND_DIGITS = Folding(digits=False), Folding(digits=True)


def words_of(text: str, digits: bool = False) -> list[str]:
    """The words of a text: small letters, Latin ones without accents; digits only if asked for."""
    return compose(text).casefold().translate(LETTERS_AND_DIGITS if digits else LETTERS).split()


def compose(text: str) -> str:
    """The text with full-width and other compatible characters as their plain ones (Unicode NFKC)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text.replace("´", "'"))


def without_umlauts(word: str) -> str:
    """A Latin word with ae, oe, ue as a, o, u where they may spell an umlaut: Mueller as Müller, which folds to muller.

    Michael and Samuel lose their e as well: the same for all, so that it only matters to names that differ by it alone.
    """
    return SPELLED_UMLAUT.sub(r"\1", word)


def _plain(letter: str) -> str:
    name = unicodedata.name(letter, "")
    if not name.startswith("LATIN"):
        return letter
    if letter in LATIN:
        return LATIN[letter]
    base = "".join(c for c in unicodedata.normalize("NFKD", letter).casefold() if "a" <= c <= "z")
    match = NAMED.match(name)
    return base or (match.group(1).lower() if match else "")
