"""Chinese names: characters read as pinyin, the surname as it is read in surnames, and names written in pinyin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from pypinyin import lazy_pinyin

from ml.identity.normalise.data import load

# Longer words are not names in pinyin; the limit keeps matching cheap.
LONGEST_WORD = 24
U_UMLAUT = ("lv", "lyu", "lve", "lyue", "lue", "nv", "nyu", "nve", "nue", "jv", "qv", "xv", "yv")
INITIALS = re.compile(r"[b-df-hj-np-tv-z]{2,3}|[a-z]")


@cache
def reading(character: str) -> str:
    """The common reading of a character in letters a to z; itself if it has none."""
    return plain_u(lazy_pinyin(character)[0])


def plain_u(word: str) -> str:
    """A word in pinyin with ü as u, however it was typed: lv, lyu and lu are one."""
    if "v" not in word and "yu" not in word:
        return word
    word = word.replace("v", "u").replace("lyu", "lu")
    return f"nu{word[3:]}" if word.startswith("nyu") else word


def split_han(name: str) -> tuple[str, str]:
    """Surname and given name of a name in characters; the given name is empty if there is only a surname."""
    if len(name) <= 1 or name in compounds():
        return name, ""
    length = 2 if name[:2] in compounds() else 1
    return name[:length], name[length:]


def surname_reading(surname: str) -> str:
    """A surname in letters a to z, as it is read in surnames."""
    known = load("chinese_surnames")["readings"].get(surname)
    return str(known) if known else given_reading(surname)


def given_reading(given: str) -> str:
    """The syllables of a given name, joined."""
    return "".join(map(reading, given))


@cache
def compounds() -> frozenset[str]:
    """Surnames of two characters."""
    return frozenset(load("chinese_surnames")["compound"].split())


@cache
def surname_ranks() -> tuple[dict[str, int], dict[str, int]]:
    """Readings of the common surnames and of the others, each by how common (0 the most)."""
    lists = load("chinese_surnames")
    names = [*lists["common"], *lists["compound"].split()]
    return _ranks(names), _ranks([*lists["rare"]])


def _ranks(surnames: Sequence[str]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for rank, surname in enumerate(surnames):
        ranks.setdefault(surname_reading(surname), rank)
    return ranks


@cache
def _pinyin() -> re.Pattern[str]:
    """Words made of pinyin syllables: all that the common characters have (level 1 of GB 2312)."""
    codes = (bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    common = "".join(code.decode("gb2312", errors="ignore") for code in codes)
    syllables = {*map(reading, common), *map("".join, lazy_pinyin(common)), *U_UMLAUT}
    longest_first = sorted((s for s in syllables if s.isascii()), key=lambda s: (-len(s), s))
    return re.compile(f"(?:{'|'.join(longest_first)})+")


@cache
def _syllable() -> re.Pattern[str]:
    return re.compile(_pinyin().pattern.removesuffix("+"))


def is_pinyin(word: str) -> bool:
    """Whether a word of letters a to z may be pinyin."""
    return len(word) <= LONGEST_WORD and _pinyin().fullmatch(word) is not None


def is_syllable(word: str) -> bool:
    """Whether a word is one syllable of pinyin."""
    return _syllable().fullmatch(word) is not None


def split_pinyin(words: Sequence[str], declared: int) -> tuple[str, str] | None:
    """Surname and given name of a name in pinyin; None if it does not read as one.

    `words` are folded, given name first, some may be initials; `declared` of them, at the end, the writer marked as the
    surname (0: none).

    One end that is a common surname, or else one that is a rare surname, tells where it is. Where both are, a name of
    three syllables apart has the commoner surname; otherwise the surname is where the writer marked it, or last.
    """
    if len(words) < 2 or not all(is_pinyin(word) or INITIALS.fullmatch(word) for word in words):
        return None
    words = [plain_u(word) for word in words]
    words = _joined_compounds(words)
    for ranks in surname_ranks():
        first, last = ranks.get(words[0]), ranks.get(words[-1])
        if last is not None and (first is None or _is_last(words, first, last, declared)):
            return words[-1], "".join(words[:-1])
        if first is not None:
            return words[0], "".join(words[1:])
    return None


def _is_last(words: Sequence[str], first: int, last: int, declared: int) -> bool:
    if declared or len(words) == 2 or not all(map(is_syllable, words)):
        return True
    return last <= first


def _joined_compounds(words: list[str]) -> list[str]:
    if len(words) > 2 and "".join(words[:2]) in _compound_readings():
        return ["".join(words[:2]), *words[2:]]
    if len(words) > 2 and "".join(words[-2:]) in _compound_readings():
        return [*words[:-2], "".join(words[-2:])]
    return words


@cache
def _compound_readings() -> frozenset[str]:
    return frozenset(map(surname_reading, compounds()))
