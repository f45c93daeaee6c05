"""Countries as sources name them, as regions of the ISO 3166 standard."""

from __future__ import annotations

from functools import cache, lru_cache

import phonenumbers
from babel import Locale

from ml.identity.normalise.data import load
from ml.identity.normalise.letters import words_of

LANGUAGES = ("en", "zh", "de", "fr")


@lru_cache(maxsize=4096)
def region_of(country: str | None) -> str | None:
    """The code of a country given by code or by its English, Chinese, German or French name; None if unknown."""
    key = _key(country or "")
    return _regions().get(key)


@cache
def _regions() -> dict[str, str]:
    known = phonenumbers.SUPPORTED_REGIONS
    names = {_key(region): region for region in known}
    for language in LANGUAGES:
        territories = Locale(language).territories
        names |= {_key(territories[region]): region for region in sorted(known) if region in territories}
    aliases = {_key(alias): region for region, words in load("countries").items() for alias in words}
    return names | aliases


def _key(name: str) -> str:
    return "".join(words_of(name))
