"""How sources see a person: what each asks for, what is out of date, missing or mistyped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.object_]
Table = dict[str, Column]
Change = Callable[[str, int], str]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
# A letter's neighbours on the keyboard: what a finger hits instead.
NEIGHBOURS = dict(zip(LETTERS, "svxfrghjoklknmpowtdyibezux", strict=True))
SHORT_ROADS = {"street": "st", "road": "rd", "lane": "ln", "avenue": "ave", "drive": "dr", "court": "ct"}
NICKNAMES = {
    "robert": "bob", "william": "bill", "richard": "dick", "michael": "mike", "james": "jim", "thomas": "tom",
    "christopher": "chris", "elizabeth": "liz", "margaret": "maggie", "katherine": "kate", "catherine": "cathy",
    "jennifer": "jen", "susan": "sue", "patricia": "pat", "andrew": "andy", "anthony": "tony", "edward": "ted",
    "joseph": "joe", "daniel": "dan", "david": "dave", "stephen": "steve", "steven": "steve", "matthew": "matt",
    "nicholas": "nick", "samuel": "sam", "benjamin": "ben", "alexander": "alex", "rebecca": "becky",
}  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """Shares of values that are missing (by source) or wrong."""

    sources: tuple[str, ...] = ("shop", "crm", "newsletter", "callcentre")
    mix: tuple[float, ...] = (0.4, 0.3, 0.15, 0.15)
    missing: dict[str, tuple[float, ...]] = field(
        default_factory=lambda: {
            "given_name": (0.01, 0.02, 0.06, 0.03),
            "surname": (0.005, 0.005, 0.08, 0.005),
            "birth_date": (0.3, 0.15, 0.4, 0.2),
            "mail": (0.08, 0.3, 0.0, 0.75),
            "phone": (0.3, 0.25, 0.85, 0.02),
            "street": (0.08, 0.25, 0.85, 0.3),
            "city": (0.06, 0.15, 0.6, 0.2),
            "postcode": (0.06, 0.2, 0.6, 0.2),
        }
    )
    mistyped: dict[str, float] = field(
        default_factory=lambda: {"given_name": 0.04, "surname": 0.05, "mail": 0.015, "street": 0.06, "city": 0.03}
    )
    wrong_digit: dict[str, float] = field(default_factory=lambda: {"phone": 0.015, "postcode": 0.02})
    outdated: float = 0.35
    landline: float = 0.2
    nickname: float = 0.15
    initial: float = 0.02
    swapped: float = 0.01
    shortened: float = 0.4
    birth_day_for_month: float = 0.01
    birth_other: float = 0.02


def observe(rng: np.random.Generator, person: npt.NDArray, now: Table, before: Table, damage: Damage) -> dict:
    """One record for each entry of `person` (rows of the tables), as columns of the records' table."""
    count = len(person)
    old = rng.random(count) < damage.outdated
    seen = {name: np.where(old, before[name][person], now[name][person]) for name in now}
    by_landline = (rng.random(count) < damage.landline) | (seen["mobile"] == None)  # noqa: E711
    seen["phone"] = np.where(by_landline, seen.pop("landline"), seen.pop("mobile"))
    _write_names(rng, seen, damage)
    _write_births(rng, seen, damage)
    _write_streets(rng, seen, damage)
    for name, share in damage.mistyped.items():
        _change(rng, seen[name], share, _typo)
    for name, share in damage.wrong_digit.items():
        _change(rng, seen[name], share, _wrong_digit)
    source = rng.choice(len(damage.sources), count, p=damage.mix)
    for name, shares in damage.missing.items():
        seen[name][rng.random(count) < np.array(shares)[source]] = None
    return {
        "source": np.array(damage.sources, dtype=object)[source],
        "mails": [[mail] if mail else [] for mail in seen.pop("mail")],
        "phones": [[phone] if phone else [] for phone in seen.pop("phone")],
        **seen,
    }


def _write_names(rng: np.random.Generator, seen: Table, damage: Damage) -> None:
    """Short forms, initials, and the two names the wrong way round."""
    count = len(seen["surname"])
    _change(rng, seen["given_name"], damage.nickname, lambda name, _: NICKNAMES.get(name, name))
    _change(rng, seen["given_name"], damage.initial, lambda name, _: name[0])
    swapped = rng.random(count) < damage.swapped
    given, surname = seen["given_name"].copy(), seen["surname"]
    seen["given_name"] = np.where(swapped, surname, given)
    seen["surname"] = np.where(swapped, given, surname)


def _write_births(rng: np.random.Generator, seen: Table, damage: Damage) -> None:
    """Day and month exchanged where that is a date, and a day, month or year beside the right one."""
    birth = seen["birth_date"]
    for row in np.flatnonzero(rng.random(len(birth)) < damage.birth_day_for_month):
        if birth[row].day <= 12:
            birth[row] = birth[row].replace(month=birth[row].day, day=birth[row].month)
    days = np.array([-365, -31, -10, -1, 1, 10, 30, 365, 3652])
    other = np.flatnonzero(rng.random(len(birth)) < damage.birth_other)
    birth[other] = (birth[other].astype("datetime64[D]") + rng.choice(days, len(other))).astype(object)


def _write_streets(rng: np.random.Generator, seen: Table, damage: Damage) -> None:
    def shorten(line: str, _: int) -> str:
        start, _, road = line.rpartition(" ")
        return f"{start} {SHORT_ROADS.get(road, road)}"

    _change(rng, seen["street"], damage.shortened, shorten)


def _change(rng: np.random.Generator, values: Column, share: float, change: Change) -> None:
    """Change a share of the values that are there, each with a random number of its own."""
    rows = np.flatnonzero(rng.random(len(values)) < share)
    for row, number in zip(rows, rng.integers(0, 1 << 31, len(rows)).tolist(), strict=True):
        if values[row]:
            values[row] = change(values[row], number)


def _typo(text: str, number: int) -> str:
    """One slip: a neighbouring key, two letters exchanged, one left out or one twice."""
    at, way = number % len(text), number // 97 % 4
    letter = text[at]
    if way == 0:
        return text[:at] + NEIGHBOURS.get(letter, letter) + text[at + 1 :]
    if way == 1 and at + 1 < len(text):
        return text[:at] + text[at + 1] + letter + text[at + 2 :]
    if way == 2 and len(text) > 3:
        return text[:at] + text[at + 1 :]
    return text[:at] + letter + text[at:]


def _wrong_digit(text: str, number: int) -> str:
    places = [at for at, letter in enumerate(text) if letter in DIGITS]
    at = places[number % len(places)]
    return text[:at] + DIGITS[number // 97 % 10] + text[at + 1 :]
