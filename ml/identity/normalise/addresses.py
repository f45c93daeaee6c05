"""Streets, cities and post codes in forms that compare."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ml.identity.normalise.cities import city_word
from ml.identity.normalise.data import load, placeholders
from ml.identity.normalise.letters import HAN, without_umlauts, words_of

BETWEEN_HAN = re.compile(rf"(?<=[{HAN}]) | (?=[{HAN}])")
CITY_SUFFIX = re.compile(rf"(?<=[{HAN}]{{2}})市$")
GERMAN_STREET = re.compile(r"(?<=[a-z])str(?:asse|ase)?$")


def normalise_street(raw: str | None) -> str | None:
    """The street with its number: words by their usual abbreviation, Chinese without spaces; None: a placeholder."""
    words = _words(raw)
    short = load("streets")
    named = [short.get(word, GERMAN_STREET.sub("str", word)) for word in words]
    return _joined(word for word in named if word)


def normalise_city(raw: str | None) -> str | None:
    """The city; a Chinese one of prefecture level or above in pinyin, so that it compares with both spellings."""
    words = _words(raw)
    city = _joined(words)
    return city_word("".join(words)) or (CITY_SUFFIX.sub("", city) if city else None)


def normalise_postcode(raw: str | None) -> str | None:
    """The post code in small letters without spaces and hyphens."""
    words = words_of(raw, digits=True) if raw is not None else []
    code = "".join(words)
    return None if len(set(code)) < 2 or " ".join(words) in placeholders("addresses") else code


def _words(raw: str | None) -> list[str]:
    words = [without_umlauts(word) for word in words_of(raw, digits=True)] if raw is not None else []
    return [] if " ".join(words) in placeholders("addresses") else words


def _joined(words: Iterable[str]) -> str | None:
    return BETWEEN_HAN.sub("", " ".join(words)) or None
