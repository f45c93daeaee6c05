"""Pools of names, places and mailboxes for the hard set, skewed as real ones are."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from faker.providers.person.de_DE import Provider as German
from faker.providers.person.en_GB import Provider as British
from faker.providers.person.en_US import Provider as American
from faker.providers.person.es_ES import Provider as Spanish
from faker.providers.person.fr_FR import Provider as French
from faker.providers.person.it_IT import Provider as Italian
from faker.providers.person.nl_NL import Provider as Dutch
from faker.providers.person.pl_PL import Provider as Polish

Column = npt.NDArray[np.object_]
PROVIDERS = (American, British, German, French, Spanish, Italian, Dutch, Polish)
ENDS = ("ton", "ford", "ham", "by", "field", "worth", "ley", "bury", "wick", "stead", "well", "combe")
ROADS = ("street", "road", "lane", "avenue", "close", "drive", "way", "court", "gardens", "crescent")
FIRST_ROADS = ["high street", "station road", "main street", "church lane", "park road", "victoria road", "green lane"]
COUNT_CITIES = 900


def surnames(rng: np.random.Generator, count: int) -> Column:
    """Family names: some 9,000, the commonest about as common as Smith, the rarest nearly unique."""
    return _skewed(rng, _surname_pool(), count, 0.85)


def given_names(rng: np.random.Generator, female: npt.NDArray[np.bool_]) -> Column:
    """First names that fit the sex, some 1,200 for each."""
    women, men = _given_pool(True), _given_pool(False)
    return np.where(female, _skewed(rng, women, len(female), 0.75), _skewed(rng, men, len(female), 0.75))


def places(rng: np.random.Generator, count: int) -> tuple[Column, npt.NDArray[np.int64], Column]:
    """For each home its city, the number of its street in that city, and a postcode shared by a part of the street."""
    stems = _surname_pool()[100 : 100 + COUNT_CITIES]
    cities = np.array([f"{stem[:6]}{ENDS[row % len(ENDS)]}" for row, stem in enumerate(stems)], dtype=object)
    city = _ranks(rng, COUNT_CITIES, count, 0.8)
    streets_of = np.maximum(20, np.bincount(city, minlength=COUNT_CITIES) // 25)
    street = (rng.random(count) * streets_of[city]).astype(np.int64)
    part = rng.integers(0, 3, count)
    return cities[city], street * COUNT_CITIES + city, _postcodes(city, street * 3 + part)


def streets(rng: np.random.Generator, count: int) -> Column:
    """Names of streets by number; a few are found in most cities."""
    stems = np.array(_surname_pool(), dtype=object)[rng.integers(0, 5000, count)]
    roads = np.array(ROADS, dtype=object)[rng.integers(0, len(ROADS), count)]
    common = np.array(FIRST_ROADS, dtype=object)[rng.integers(0, len(FIRST_ROADS), count)]
    return np.where(rng.random(count) < 0.08, common, stems + " " + roads)


def names_of(street: npt.NDArray[np.int64], names: Column, numbers: Column) -> Column:
    """The first line of an address: all homes of one street use its name."""
    return numbers + " " + names[pd.factorize(street)[0]]


def distinct_mails(
    rng: np.random.Generator, given: Column, surname: Column, birth: Column, hosts: list[str], shares: list[float],
    suffix: str,
) -> Column:  # fmt: skip
    """One mailbox for each person, in the ways people form them; a taken name gets a number, as providers do."""
    count = len(given)
    year = birth.astype("datetime64[D]").astype("datetime64[Y]").astype(str).astype(object)
    tail = np.array([text[2:] for text in year], dtype=object)
    initial = np.array([text[0] for text in given], dtype=object)
    plain, dot = given + surname, given + "." + surname
    word = _skewed(rng, _surname_pool()[500:4000], count, 0.4)
    ways = [dot, plain, initial + surname, dot + tail, given + tail, initial + "." + surname + tail, word + year]
    way = rng.choice(len(ways), count, p=[0.25, 0.1, 0.15, 0.2, 0.1, 0.1, 0.1])
    local = np.choose(way, ways) + suffix
    host = np.array(hosts, dtype=object)[rng.choice(len(hosts), count, p=shares)]
    taken = pd.Series(local + "@" + host)
    rank = taken.groupby(taken, sort=False).cumcount().to_numpy()
    number = np.where(rank > 0, rank.astype(str).astype(object), "")
    return local + np.where(rank > 0, "_", "") + number + "@" + host


def _postcodes(city: npt.NDArray[np.int64], part: npt.NDArray[np.int64]) -> Column:
    """Postcodes of Britain's form: the city is the area and district, the part of a street the rest."""
    letters = "abdefghjlnpqrstuwxyz"
    area = [f"{letters[row % 20]}{letters[row // 20 % 20]}" for row in range(COUNT_CITIES)]
    district = [str(1 + row // 400) for row in range(COUNT_CITIES)]
    start = np.array([f"{a}{d}" for a, d in zip(area, district, strict=True)], dtype=object)
    ends = [f" {row % 10}{letters[row // 10 % 20]}{letters[row // 200 % 20]}" for row in range(4000)]
    more = np.array(["", "1", "2", "3", "4", "5", "6", "7", "8", "9"], dtype=object)
    return start[city] + more[part // 4000 % 10] + np.array(ends, dtype=object)[part % 4000]


def _skewed(rng: np.random.Generator, pool: list[str], count: int, power: float) -> Column:
    return np.array(pool, dtype=object)[_ranks(rng, len(pool), count, power)]


def _ranks(rng: np.random.Generator, size: int, count: int, power: float) -> npt.NDArray[np.int64]:
    """Ranks in a pool by Zipf's law with a flattened head."""
    weights = 1 / (np.arange(size) + 5) ** power
    return np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(count)).clip(max=size - 1)


@cache
def _surname_pool() -> list[str]:
    """Faker's family names of several countries, the common ones first, then invented ones of two parts."""
    listed = [name for provider in PROVIDERS for name in _ordered(provider.last_names)]
    stems = sorted({name[:4] for name in listed if len(name) > 5})
    made = [f"{stem}{end}" for end in ENDS for stem in stems[:: len(ENDS) // 3]]
    return list(dict.fromkeys(listed + made))[:9000]


@cache
def _given_pool(female: bool) -> list[str]:
    attribute = "first_names_female" if female else "first_names_male"
    names = [name for provider in PROVIDERS for name in _ordered(getattr(provider, attribute))[:400]]
    return list(dict.fromkeys(name for name in names if len(name) > 2))[:1200]


def _ordered(names: Collection[str]) -> list[str]:
    """In plain letters; the commonest first where the provider tells how common they are."""
    order = sorted(names, key=lambda name: -names[name]) if isinstance(names, dict) else list(names)
    return [_plain(name) for name in order]


def _plain(name: str) -> str:
    """Lower case, without accents."""
    letters = unicodedata.normalize("NFKD", name.lower().replace("ł", "l").replace("ß", "ss"))
    return "".join(letter for letter in letters if letter.isascii() and (letter.isalpha() or letter in " -'"))
