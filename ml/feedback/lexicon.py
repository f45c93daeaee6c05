"""The project's own words: what each need is called, and what people say before there are ratings to learn from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml


@dataclass(frozen=True)
class Lexicon:
    """Words of needs and of feelings, by language."""

    themes: dict[str, dict[str, list[str]]]
    sentiment: dict[str, dict[str, list[str]]]


@cache
def shipped() -> Lexicon:
    """The lexicon that comes with the project."""
    text = resources.files("ml.feedback").joinpath("lexicon.yml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    return Lexicon(data["themes"], data["sentiment"])


@cache
def patterns(language: str) -> dict[str, re.Pattern[str]]:
    """One pattern per theme that finds its words in a folded text."""
    return {name: _pattern(words[language], language) for name, words in shipped().themes.items()}


def _pattern(words: Sequence[str], language: str) -> re.Pattern[str]:
    # The longest first, since the first alternative that fits is taken.
    ordered = sorted(words, key=lambda word: (-len(word), word))
    if language == "zh":
        return re.compile("|".join(map(re.escape, ordered)))
    return re.compile(r"\b(?:" + "|".join(re.escape(word).replace(r"\*", r"\w*") for word in ordered) + r")\b")
