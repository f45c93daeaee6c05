"""Names in letters taken apart: what is the surname, what the given name, and what neither."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ml.identity.normalise.chinese import is_pinyin, is_syllable, plain_u, split_pinyin
from ml.identity.normalise.data import load, placeholders
from ml.identity.normalise.letters import without_umlauts, words_of

CAPITALS = re.compile(r"[^\W\d_]{2}")
# Below, capitals are initials ("JD Smith"), not a surname put first.
LEAST_CAPITALS = 3
HYPHEN = re.compile(r"(?<=\w)[-‐‑–](?=\w)")
EAST_ASIAN = ("\u3040", "\ud7ff")


@dataclass(frozen=True, slots=True)
class Parts:
    """Folded words of a name; `is_pinyin` if it reads as a Chinese one."""

    given: list[str]
    surname: list[str]
    is_pinyin: bool = False


def parts_of(text: str) -> Parts:
    """Given name and surname of a name in letters: 'Given Surname', 'Surname, Given', 'SURNAME Given', pinyin."""
    given, surname, is_titled = _as_declared(text)
    words = given + surname
    if len(words) < 2 or (given == surname and _is_whole_name(given)):
        return _single(words[:1], is_titled)
    chinese = _chinese(text)
    if chinese is not None:
        return chinese
    if not (given and surname):
        given, surname = _split(_without_initials(words, least=2))
    return Parts([*map(plain, _without_initials(given, least=1))], [*map(plain, surname)])


def plain(word: str) -> str:
    """A folded word with the formal name for a nickname, umlauts as one letter however they were spelled."""
    return without_umlauts(formal_names().get(word, word))


@cache
def formal_names() -> dict[str, str]:
    """The formal name for each nickname, and for itself."""
    names = {short: formal for formal, shorts in load("nicknames").items() for short in shorts}
    return names | {formal: formal for formal in load("nicknames")}


def _as_declared(text: str) -> tuple[list[str], list[str], bool]:
    """Given words and surname words as comma or capitals tell them, all in one list if neither does; if titled."""
    before, _, after = text.partition(",")
    if not after or _titles("after").issuperset(words_of(after)):
        before, after = _capitals_first(before)
    (surname, was_titled), (given, is_titled) = _bare(before), _bare(after)
    if not given or not surname:
        return surname + given, [], was_titled or is_titled
    return given, surname, was_titled or is_titled


def _bare(part: str) -> tuple[list[str], bool]:
    """The words without titles, none if they are a placeholder; and whether there was a title before them."""
    words = words_of(part)
    if " ".join(words) in placeholders("name_parts"):
        return [], False
    first, end = 0, len(words)
    while first < end - 1 and words[first] in _titles("before" if first == 0 else "before_more"):
        first += 1
    while end > first + 1 and words[end - 1] in _titles("after"):
        end -= 1
    return words[first:end], first > 0


@cache
def _titles(place: str) -> frozenset[str]:
    titles = load("honorifics")
    return frozenset(titles["before"] + titles["after_title"] if place == "before_more" else titles[place])


def _capitals_first(text: str) -> tuple[str, str]:
    """The leading words in capitals and the rest, if only the leading ones are; else the text and nothing."""
    if text.isupper() or text.islower():
        return text, ""
    words = text.split()
    count = 0
    while count < len(words) and _is_capitals(words[count]):
        count += 1
    is_title = _titles("before").issuperset(words_of(" ".join(words[:count])))
    is_long = any(len(word) >= LEAST_CAPITALS for word in words[:count])
    if is_long and not is_title and count < len(words) and not any(map(_is_capitals, words[count:])):
        return " ".join(words[:count]), " ".join(words[count:])
    return text, ""


def _is_capitals(word: str) -> bool:
    return word.isupper() and CAPITALS.search(word) is not None


def _single(words: list[str], is_titled: bool) -> Parts:
    if not words or words[0] in _titles("before"):
        return Parts([], [])
    if is_titled:
        return Parts([], [plain(words[0])])
    if is_pinyin(words[0]) and words[0] not in formal_names():
        return Parts([plain_u(words[0])], [], is_pinyin=True)
    return Parts([plain(words[0])], [])


def _is_whole_name(words: list[str]) -> bool:
    """Whether it is one word of several syllables: some write the whole name where either part of it is asked for."""
    return len(words) == 1 and is_pinyin(words[0]) and not is_syllable(words[0])


def _chinese(text: str) -> Parts | None:
    # Syllables joined by a hyphen are one given name: Xiao-Ming.
    given, surname, _ = _as_declared(HYPHEN.sub("", text))
    words = given + surname
    # Susan reads as two syllables, but is nobody's name in pinyin; Dan may be.
    if any(word in formal_names() and not is_syllable(word) for word in words):
        return None
    split = split_pinyin(words, len(surname))
    return None if split is None else Parts([split[1]], [split[0]], is_pinyin=True)


def _without_initials(words: list[str], least: int) -> list[str]:
    """The words without single letters if `least` words remain, else with the first of them in front."""
    long = [word for word in words if len(word) > 1 or not word.isascii()]
    if len(long) >= least or len(long) == len(words):
        return long
    initial = next(word for word in words if len(word) == 1)
    return [initial, *long]


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Given words and surname words: the last with the particles before it; the first in East Asian scripts."""
    if len(words) < 2:
        return words, []
    if EAST_ASIAN[0] <= words[0][0] <= EAST_ASIAN[1]:
        return words[1:], words[:1]
    start = len(words) - 1
    while start > 1 and words[start - 1] in _particles():
        start -= 1
    return words[:start], words[start:]


@cache
def _particles() -> frozenset[str]:
    return frozenset(load("honorifics")["particles"])
