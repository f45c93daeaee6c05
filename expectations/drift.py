"""How far one day's profile is from the nights before it: pure arithmetic on counts, shares and quantiles.

Few metrics, each with a size that matters and a size that chance does not reach. A day is compared with the same
weekday of the 28 days before it. The spread is the scaled median absolute deviation, 1.4826 times the median distance
(Rousseeuw and Croux 1993, section 1), of each of those days from the other days of its weekday: half of the history
may be odd.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

WINDOW_DAYS = 28
POOL_DAYS = 7
MIN_DAYS = 3  # of four days of the same weekday
MAD_TO_SIGMA = 1.4826
MIN_LOG_SPREAD, MIN_SHARE_SPREAD, MIN_PRICE_ERROR = 0.05, 0.01, 0.005
BIG_COUNTRIES = 4


@dataclass(frozen=True)
class Profile:
    """One day's file: lines, invoices, share of lines without customer, hours of day, invoices by country.

    `hours` are the 5, 25, 50, 75 and 95 % quantiles of the time of day at which invoices were written, in hours;
    empty where there is none.
    """

    count_lines: int
    count_invoices: int
    share_without_customer: float
    hours: tuple[float, ...]
    countries: Mapping[str, int]


@dataclass(frozen=True)
class Drift:
    """A day against its history; 0 where there is too little to compare with.

    `volume` is the natural logarithm of lines over the weekday's median, `nameless` the difference of shares (0 to 1),
    both also in spreads. `nameless_pool` is the same difference of the seven days that end with this one from those
    before them, so that a change that stays is seen where one day is too small to tell. `hours` is the hours by which
    all quantiles of the day moved at least, in one direction. `countries` is the population stability index of invoices
    by country, the biggest four and the rest.
    """

    volume: float = 0.0
    volume_spreads: float = 0.0
    nameless: float = 0.0
    nameless_spreads: float = 0.0
    nameless_pool: float = 0.0
    nameless_pool_spreads: float = 0.0
    hours: float = 0.0
    countries: float = 0.0


def compare(day: date, profile: Profile, history: Mapping[date, Profile]) -> Drift:
    """The drift of `profile` from those of `history` that are 1 to 28 days older than `day` and not empty.

    A day without a line has no drift: a shop that is closed sends a header.
    """
    window = {
        other: known
        for other, known in history.items()
        if day - timedelta(days=WINDOW_DAYS) <= other < day and known.count_lines > 0
    }
    alike = [known for other, known in window.items() if (day - other).days % 7 == 0]
    if profile.count_lines == 0 or len(alike) < MIN_DAYS:
        return Drift()
    volume = _against(
        day,
        math.log(profile.count_lines),
        {other: math.log(known.count_lines) for other, known in window.items()},
        MIN_LOG_SPREAD,
    )
    nameless = _against(
        day,
        profile.share_without_customer,
        {other: known.share_without_customer for other, known in window.items()},
        MIN_SHARE_SPREAD,
    )
    pool = _pooled(day, {**window, day: profile})
    stability = _stability(profile, list(window.values()))
    return Drift(*volume, *nameless, *pool, _common_shift(profile, alike), stability)


def price_move(moves: Sequence[float]) -> tuple[float, float]:
    """The median of the products' moves (natural logarithms) and the same in standard errors of a median.

    A median's standard error is sqrt(pi / 2) of a mean's where moves are normal; below `MIN_PRICE_ERROR` it is
    taken for that.
    """
    if not moves:
        return 0.0, 0.0
    centre = median(moves)
    spread = MAD_TO_SIGMA * median(abs(move - centre) for move in moves)
    error = max(math.sqrt(math.pi / 2) * spread / math.sqrt(len(moves)), MIN_PRICE_ERROR)
    return centre, centre / error


def _against(day: date, value: float, history: Mapping[date, float], least: float) -> tuple[float, float]:
    """The difference from the weekday's median, as it is and in spreads of at least `least` each."""
    alike = [known for other, known in history.items() if (day - other).days % 7 == 0]
    centre = median(alike)
    distances = []
    for one, known in history.items():
        others = [value for other, value in history.items() if other != one and (one - other).days % 7 == 0]
        if len(others) >= MIN_DAYS - 1:
            distances.append(abs(known - median(others)))
    own = median(abs(known - centre) for known in alike)
    spread = max(MAD_TO_SIGMA * max(median(distances or [0.0]), own), least)
    return value - centre, (value - centre) / spread


def _pooled(day: date, days: Mapping[date, Profile]) -> tuple[float, float]:
    """The share of lines without customer in the newest week less that before it, as it is and in its own spreads.

    The spread of a day of average size is taken from the days before; a week's is smaller by the root of its days.
    """
    new = [known for other, known in days.items() if (day - other).days < POOL_DAYS]
    old = [known for other, known in days.items() if (day - other).days >= POOL_DAYS]
    if len(new) < POOL_DAYS - 1 or len(old) < 2 * POOL_DAYS:
        return 0.0, 0.0
    before = _nameless(old)
    spread = MAD_TO_SIGMA * median(abs(known.share_without_customer - before) for known in old)
    error = max(spread, MIN_SHARE_SPREAD) * math.sqrt(1 / len(new) + 1 / len(old))
    return _nameless(new) - before, (_nameless(new) - before) / error


def _nameless(profiles: Sequence[Profile]) -> float:
    lines = sum(known.count_lines for known in profiles)
    return sum(known.share_without_customer * known.count_lines for known in profiles) / lines


def _common_shift(profile: Profile, alike: list[Profile]) -> float:
    """What all quantiles have moved by, in hours; 0 if they moved in two directions, as they do by chance."""
    known = [other.hours for other in alike if other.hours]
    if not profile.hours or len(known) < MIN_DAYS:
        return 0.0
    moves = [now - median(before) for now, before in zip(profile.hours, zip(*known, strict=True), strict=True)]
    if all(move > 0 for move in moves):
        return min(moves)
    return max(moves) if all(move < 0 for move in moves) else 0.0


def _stability(profile: Profile, window: list[Profile]) -> float:
    """The population stability index; half an invoice is added to each part, so that none is empty."""
    before: dict[str, int] = {}
    for known in window:
        for country, count in known.countries.items():
            before[country] = before.get(country, 0) + count
    big = sorted(before, key=lambda country: (-before[country], country))[:BIG_COUNTRIES]
    now = _parts(profile.countries, big)
    # The history counts as one day of today's size: the half that is added weighs the same on both sides.
    scale = sum(now) / max(sum(before.values()), 1)
    pairs = zip(_shares(now), _shares([part * scale for part in _parts(before, big)]), strict=True)
    return sum((new - old) * math.log(new / old) for new, old in pairs)


def _parts(counts: Mapping[str, int], big: list[str]) -> list[float]:
    parts: list[float] = [counts.get(country, 0) for country in big]
    return [*parts, sum(counts.values()) - sum(parts)]


def _shares(parts: list[float]) -> list[float]:
    return [(part + 0.5) / (sum(parts) + 0.5 * len(parts)) for part in parts]
