"""Made-up people: the same number is the same person in every fake."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from faker.providers.person.en import Provider as English
from faker.providers.person.zh_CN import Provider as Chinese

FIRST = sorted(English.first_names)
LAST = sorted(English.last_names)
FIRST_CHINESE = sorted(Chinese.first_names)
LAST_CHINESE = sorted(Chinese.last_names)
CITIES = ("London", "Bristol", "Leeds", "York", "Lyon", "Shenzhen", "Hangzhou", "Chengdu")


@dataclass(frozen=True)
class Person:
    """Nobody: a name, an address at example.com, numbers that cannot ring anywhere."""

    number: int
    first: str
    last: str
    chinese: str
    email: str
    phone: str
    mobile: str
    city: str
    born: date


def person(number: int, seed: int = 7) -> Person:
    """Person `number` of the population `seed`."""
    dice = random.Random(seed * 1_000_003 + number)
    first, last = dice.choice(FIRST), dice.choice(LAST)
    chinese = dice.choice(LAST_CHINESE) + dice.choice(FIRST_CHINESE)
    return Person(
        number,
        first,
        last,
        chinese,
        f"{first}.{last}.{number}@example.com".lower().replace(" ", "").replace("'", ""),
        # 555-01xx is kept free for fiction, and no Chinese mobile number begins with 120.
        f"+1 {201 + number // 100 % 799} 555 01{number % 100:02d}",
        f"120{number:08d}",
        dice.choice(CITIES),
        date(1950, 1, 1) + timedelta(days=dice.randrange(20_000)),
    )
