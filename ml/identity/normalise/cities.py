"""China's cities of prefecture level and above, by name in characters and in pinyin."""

from __future__ import annotations

import re
from functools import cache

from pypinyin import lazy_pinyin

from ml.identity.normalise.chinese import plain_u
from ml.identity.normalise.data import load

SUFFIX = "(?:特别行政区|市辖区|地区|自治州|州|盟|市)?"
PROVINCE_SUFFIX = "(?:维吾尔自治区|壮族自治区|回族自治区|自治区|特别行政区|省|市)?"
LATIN_SUFFIX = re.compile(r"(?<=...)(?:shi|city)$")


@cache
def cities() -> dict[str, str]:
    """Each city, and each province that is one, in pinyin."""
    names = [city for cities in load("cities").values() for city in cities.split()]
    return {name: _pinyin(name) for name in [*names, *(p for p, cities in load("cities").items() if not cities)]}


@cache
def provinces() -> dict[str, str]:
    """Each province in pinyin."""
    return {name: _pinyin(name) for name in load("cities")}


@cache
def place_pattern() -> str:
    """A regular expression for a place in characters: group `city`, or group `only` for a province alone."""
    province = f"(?:{_alternatives(provinces())}){PROVINCE_SUFFIX}"
    city = f"(?P<city>{_alternatives(cities())}){SUFFIX}"
    return f"(?:(?:{province})?{city}|(?P<only>{_alternatives(provinces())}){PROVINCE_SUFFIX})"


def city_word(name: str) -> str | None:
    """A Chinese city in pinyin, whichever way `name` (folded, without spaces) has it; None if it is none of them."""
    match = _whole().fullmatch(name)
    if match and match.group("city"):
        return cities()[match.group("city")]
    latin = LATIN_SUFFIX.sub("", name)
    return latin if latin in _latin_names() else None


@cache
def _whole() -> re.Pattern[str]:
    return re.compile(place_pattern())


@cache
def _latin_names() -> frozenset[str]:
    return frozenset(cities().values())


def _alternatives(names: dict[str, str]) -> str:
    return "|".join(sorted(names, key=lambda name: (-len(name), name)))


def _pinyin(name: str) -> str:
    return "".join(map(plain_u, lazy_pinyin(name)))
