"""Names of people, whoever wrote them: either order, any case, Chinese in characters or in pinyin, with titles."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ml.identity.normalise.chinese import given_reading, split_han, surname_reading
from ml.identity.normalise.data import load, placeholders
from ml.identity.normalise.letters import HAN, compose, words_of
from ml.identity.normalise.spelling import Parts, parts_of, plain

BRACKETS = re.compile(r"[(\[{<【「《][^()\[\]{}<>【】「」《》]*[)\]}>】」》]")
HAN_LETTER = re.compile(f"[{HAN}]")
NOT_HAN = re.compile(f"[^{HAN}]+")
DOT_BETWEEN = re.compile("[·•・‧.,]")


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name, comparable; all None: nobody's name.

    `given_name` and `surname` are in letters a to z for Latin and Chinese names, in their own letters for others.
    `name_key` is all words in alphabetical order, so that the order they were written in does not matter,
    `name_compact` surname and given name without a space, `name_han` the characters of a Chinese name.
    """

    given_name: str | None = None
    surname: str | None = None
    name_key: str | None = None
    name_compact: str | None = None
    name_han: str | None = None


NOBODY = Name()


def normalise_name(raw: str | None) -> Name:
    """The name in comparable form; see `Name`. Never raises."""
    if raw is None:
        return NOBODY
    text = compose(raw)
    text = BRACKETS.sub(" ", text) if words_of(BRACKETS.sub(" ", text)) else text
    words = words_of(text)
    if is_placeholder(words):
        return NOBODY
    if HAN_LETTER.search(text):
        return _with_han(text)
    return _name(parts_of(text))


def is_placeholder(words: list[str]) -> bool:
    """Whether these words of a field are nobody's name: none, a known placeholder, or one letter over and over."""
    joined = "".join(words)
    if len(set(joined)) <= 1 and len(joined) != 1:
        return True
    return " ".join(words) in placeholders("names") or joined in placeholders("names")


def _with_han(text: str) -> Name:
    """A name that has Chinese characters; letters beside them are another name of the person's, or its given name."""
    before, comma, after = text.partition(",")
    surname, given = (_han_without_titles(NOT_HAN.sub("", part)) for part in (before, after))
    han = surname + given
    others = words_of(re.sub(f"[{HAN}]", " ", text))
    if len(han) == 1 and others:
        spelled = [word for word in others if word.isascii()]
        return _name(Parts([*map(plain, spelled)], [surname_reading(han)]))
    if any(not word.isascii() for word in others) or not han:
        return _name(parts_of(text))
    if comma and surname and given:
        is_swapped = bool(split_han(surname)[1]) and not split_han(given)[1]
        return _han_name(given, surname) if is_swapped else _han_name(surname, given)
    parts = [NOT_HAN.sub("", part) for part in DOT_BETWEEN.split(text)]
    if not comma and len(parts) > 1 and parts[-1]:
        # A foreign name in characters: 约翰·史密斯.
        return replace(_han_name(parts[-1], "".join(parts[:-1])), name_han=han)
    return _han_name(*split_han(han))


def _han_name(surname: str, given: str) -> Name:
    read = surname_reading(surname), given_reading(given)
    key = " ".join(sorted(part for part in read if part))
    return Name(read[1] or None, read[0] or None, key, "".join(read), surname + given)


def _han_without_titles(name: str) -> str:
    titles = load("honorifics")
    for title in titles["han_before"]:
        name = name.removeprefix(title)
    for title in titles["han_after"]:
        if len(name) > len(title):
            name = name.removesuffix(title)
    rest, last = name[:-1], name[-1:]
    if last in titles["han_after_surname"] and rest and not split_han(rest)[1]:
        return rest
    return name


def _name(parts: Parts) -> Name:
    """A name in letters."""
    given, surname = "".join(parts.given) if parts.is_pinyin else " ".join(parts.given), " ".join(parts.surname)
    if not given and not surname:
        return NOBODY
    words = [given, surname] if parts.is_pinyin and surname else [*parts.given, *parts.surname]
    key = " ".join(sorted(filter(None, words)))
    compact = f"{surname}{given}".replace(" ", "")
    if parts.is_pinyin and not surname:
        # One word of pinyin may be a whole name (liuliuqian), a given name or a surname.
        return Name(None, None, key, compact)
    return Name(given or None, surname or None, key, compact)
