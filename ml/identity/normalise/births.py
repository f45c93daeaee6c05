"""Birth dates."""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from ml.identity.normalise.data import load
from ml.identity.normalise.letters import compose

MOST_YEARS = 120
# What follows a date (a time of day) says nothing of a birth.
YEAR_FIRST = re.compile(r"(\d{4})\s*([-/.年])\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:日?|[ T].*)", re.DOTALL)
COMPACT = re.compile(r"(\d{4})()(\d{2})(\d{2})")
DAY_DOT_MONTH = re.compile(r"(\d{1,2})\.\s*(\d{1,2})\.\s*(\d{4})")
SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")


def normalise_birth(raw: str | None, as_of: date) -> date | None:
    """The date of birth; None for a placeholder, no date, one after `as_of` or more than 120 years before it.

    `as_of` is the night that first sees the value; what it decides stays. Days and months that are only told apart by
    custom (05/06/1990) are not guessed.
    """
    birth = _parsed(compose(raw).strip()) if raw is not None else None
    if birth is None or birth.isoformat() in _placeholders():
        return None
    return birth if birth <= as_of and as_of.year - birth.year <= MOST_YEARS else None


def _parsed(text: str) -> date | None:
    if match := YEAR_FIRST.fullmatch(text) or COMPACT.fullmatch(text):
        return _date(match.group(1), match.group(3), match.group(4))
    if match := DAY_DOT_MONTH.fullmatch(text):
        return _date(match.group(3), match.group(2), match.group(1))
    if match := SLASHED.fullmatch(text):
        first, second, year = match.groups()
        is_clear = int(first) > 12 or int(second) > 12 or int(first) == int(second)
        day, month = (second, first) if int(second) > 12 else (first, second)
        return _date(year, month, day) if is_clear else None
    return None


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


@cache
def _placeholders() -> frozenset[str]:
    return frozenset(map(str, load("placeholders")["births"]))
