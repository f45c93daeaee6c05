"""Names of people, combined from faker's static lists, and the ways in which one person's name is written."""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt
from faker.providers.person.de_DE import Provider as German
from faker.providers.person.en_GB import Provider as English
from faker.providers.person.fr_FR import Provider as French
from faker.providers.person.zh_CN import Provider as Chinese
from pypinyin import lazy_pinyin

CHINESE, ENGLISH, GERMAN, FRENCH = range(4)
# Characters that are read otherwise in surnames than elsewhere; pypinyin gives the common reading.
SURNAME_READINGS = {
    "单": "shan", "仇": "qiu", "解": "xie", "曾": "zeng", "查": "zha", "任": "ren", "华": "hua", "盖": "ge",
    "区": "ou",
    "朴": "piao", "冼": "xian", "覃": "qin", "尉": "wei", "隗": "wei", "召": "shao", "宓": "mi", "祭": "zhai",
    "缪": "miao",
    "翟": "zhai", "佟": "tong", "员": "yun", "哈": "ha", "那": "na", "折": "she", "乐": "yue", "费": "fei",
    "欧阳": "ouyang",
}  # fmt: skip
NICKNAMES = {
    "Robert": "Bob", "William": "Bill", "Richard": "Dick", "Michael": "Mike", "James": "Jim", "Thomas": "Tom",
    "Christopher": "Chris", "Elizabeth": "Liz", "Margaret": "Maggie", "Katherine": "Kate", "Catherine": "Cathy",
    "Jennifer": "Jen", "Susan": "Sue", "Patricia": "Pat", "Andrew": "Andy", "Anthony": "Tony", "Edward": "Ted",
    "Joseph": "Joe", "Daniel": "Dan", "David": "Dave", "Stephen": "Steve", "Steven": "Steve", "Matthew": "Matt",
    "Nicholas": "Nick", "Samuel": "Sam", "Benjamin": "Ben", "Alexander": "Alex", "Alexandra": "Sandra",
    "Rebecca": "Becky", "Victoria": "Vicky", "Deborah": "Debbie", "Jacqueline": "Jackie", "Philip": "Phil",
    "Timothy": "Tim", "Kenneth": "Ken", "Gregory": "Greg", "Jonathan": "Jon", "Joshua": "Josh", "Abigail": "Abby",
    "Charlotte": "Lottie", "Samantha": "Sam", "Pamela": "Pam", "Judith": "Judy", "Frederick": "Fred", "Ronald": "Ron",
}  # fmt: skip
GERMAN_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
Names = npt.NDArray[np.object_]


@cache
def _given_pool(culture: int, sex: str) -> list[str]:
    provider = {ENGLISH: English, GERMAN: German, FRENCH: French}[culture]
    names = provider.first_names_male if sex == "m" else provider.first_names_female
    return list(dict.fromkeys(names))[:260]


@cache
def _chinese_given(sex: str) -> tuple[list[str], list[str]]:
    """Single characters, and ready pairs, of faker's list for the sex."""
    names = Chinese.first_names_male if sex == "m" else Chinese.first_names_female
    return [n for n in names if len(n) == 1], [n for n in names if len(n) == 2]


@cache
def _surname_pool(culture: int) -> tuple[list[str], npt.NDArray[np.float64]]:
    provider = {CHINESE: Chinese, ENGLISH: English, GERMAN: German, FRENCH: French}[culture]
    names = provider.last_names
    if isinstance(names, dict):
        weights = np.array(list(names.values()), dtype=float)
    else:
        weights = 1.0 / (20.0 + np.arange(len(names)))
    return list(names), weights / weights.sum()


def surnames(rng: np.random.Generator, culture: npt.NDArray[np.int64]) -> Names:
    """A family name for each, by the weights of its culture."""
    result = np.empty(len(culture), dtype=object)
    for kind in range(4):
        rows = np.flatnonzero(culture == kind)
        pool, weights = _surname_pool(kind)
        result[rows] = np.array(pool, dtype=object)[rng.choice(len(pool), len(rows), p=weights)]
    return result


def given_names(rng: np.random.Generator, culture: npt.NDArray[np.int64], sex: Names) -> Names:
    """A given name for each, by culture and sex."""
    draws = rng.integers(0, 1 << 30, (len(culture), 3)).tolist()
    return np.array(
        [_given(kind, which, draw) for kind, which, draw in zip(culture.tolist(), sex, draws, strict=True)],
        dtype=object,
    )


def _given(culture: int, sex: str, draw: list[int]) -> str:
    if culture != CHINESE:
        pool = _given_pool(culture, sex)
        return pool[draw[0] % len(pool)]
    singles, pairs = _chinese_given(sex)
    if draw[2] % 100 < 18:
        return singles[draw[0] % len(singles)]
    if draw[2] % 100 < 30 and pairs:
        return pairs[draw[0] % len(pairs)]
    return singles[draw[0] % len(singles)] + singles[draw[1] % len(singles)]


@cache
def surname_pinyin(surname: str) -> str:
    """The surname in Latin letters, lower case, with the reading it has as a surname; ü as v, as keyboards have it."""
    return SURNAME_READINGS.get(surname) or "".join(lazy_pinyin(surname))


@cache
def syllables(given: str) -> tuple[str, ...]:
    """The given name's syllables in Latin letters, lower case."""
    return tuple(lazy_pinyin(given))


def chinese_in_latin(surname: str, given: str, style: int) -> str:
    """One of the ways a Chinese name is written in Latin letters: order, case, spacing, hyphen, initials, ü."""
    family, parts = surname_pinyin(surname), syllables(given)
    if style % 2 == 0:  # the same person is Lv, Lu or Lyu in different papers
        family = family.replace("lv", "lyu") if style % 4 else family.replace("lv", "lu")
    first = "".join(parts)
    ways = (
        f"{first.title()} {family.title()}",
        f"{family.title()} {first.title()}",
        f"{family.upper()} {first.title()}",
        f"{family.title()} {' '.join(part.title() for part in parts)}",
        f"{'-'.join(parts).title()} {family.title()}",
        f"{family.upper()}, {first.title()}",
        f"{family}{first}",
        f"{'.'.join(part[0].upper() for part in parts)}. {family.title()}",
    )
    return ways[style % len(ways)]


@cache
def plain(name: str, is_german: bool = False) -> str:
    """The name without accents; German umlauts spelled out."""
    text = name.translate(GERMAN_LETTERS) if is_german else name.replace("ß", "ss")
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def western_ways(surname: str, given: str, sex: str, style: int) -> tuple[str, str]:
    """Given name and surname as somebody would fill them in: nickname, initial, honorific, accents lost, capitals."""
    short = NICKNAMES.get(given, given)
    ways = (
        (given, surname),
        (short, surname),
        (f"{given[0]}.", surname),
        (f"{'Mr' if sex == 'm' else 'Ms'} {given}", surname),
        (plain(given), plain(surname)),
        (plain(given, True), plain(surname, True)),
        (given.upper(), surname.upper()),
        (f"{given} {chr(65 + style // 10 % 26)}.", surname),
        (given.lower(), surname.lower()),
        (f"Dr. {given}", surname),
    )
    return ways[style % 10]
