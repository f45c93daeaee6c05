"""Small damage to values: slips of the keyboard, other ways to write a phone or a mail, values that say nothing."""

from __future__ import annotations

from functools import cache

from faker.providers.person.zh_CN import Provider as Chinese
from pypinyin import lazy_pinyin

from world.places import Country

NEIGHBOURS = dict(
    zip("qwertyuiopasdfghjklzxcvbnm", "wqwrtyuioosasdfghjkxzxcvbn", strict=True)
)  # the key beside each on a QWERTY keyboard
PLACEHOLDER_MAILS = ("test@example.com", "noemail@example.com", "none@example.org", "n/a", "info@example.net")
PLACEHOLDER_PHONES = ("0000000000", "N/A", "12345678", "00000", "1111111111")
FULL_WIDTH = str.maketrans("0123456789+-", "０１２３４５６７８９＋－")


def typo(text: str, u: float) -> str:
    """One slip: two letters swapped, a neighbouring key, a letter lost or doubled."""
    if len(text) < 4:
        return text
    kind, place = int(u * 4), 1 + int(u * 9973) % (len(text) - 2)
    before, letter, after = text[:place], text[place], text[place + 1 :]
    match kind:
        case 0:
            return f"{before}{after[0]}{letter}{after[1:]}"
        case 1:
            return f"{before}{NEIGHBOURS.get(letter, letter)}{after}"
        case 2:
            return before + after
        case _:
            return before + letter + letter + after


@cache
def _alike() -> dict[str, str]:
    """Characters of given names by their reading."""
    by_reading: dict[str, str] = {}
    for name in Chinese.first_names + list("玮斌彬艳燕琴芹静婧莹颖雪学建健明铭华桦伟维军君"):
        for character in name:
            reading = lazy_pinyin(character)[0]
            if character not in by_reading.get(reading, ""):
                by_reading[reading] = by_reading.get(reading, "") + character
    return by_reading


@cache
def _readings(character: str) -> str:
    return _alike().get(lazy_pinyin(character)[0], character)


def other_character(given: str, u: float) -> str:
    """The name with its last character replaced by one that sounds alike; input methods offer it first."""
    others = _readings(given[-1]).replace(given[-1], "")
    return given[:-1] + others[int(u * len(others))] if others else given


def mail(address: str, u: float, typos: float) -> str:
    """The address as typed: capitals, a plus tag, a dot, a slip in the domain; mostly unchanged."""
    local, _, domain = address.partition("@")
    if u < 0.05:
        return address.upper() if u < 0.02 else f"{local.capitalize()}@{domain}"
    if u < 0.08:
        return f"{local}+{('shop', 'news', 'work')[int(u * 1000) % 3]}@{domain}"
    if u < 0.10 and len(local) > 4:
        return f"{local[:2]}.{local[2:]}@{domain}" if "." not in local else f"{local.replace('.', '')}@{domain}"
    if u < 0.11:
        return f" {address} "
    if u > 1 - typos / 2:
        return f"{typo(local, (u * 37) % 1)}@{domain}"
    return address


def phone(number: str, country: Country, u: float, placeholder: float) -> str:
    """An E.164 number as people write it: with or without country code, spaces, dashes, full-width digits."""
    if u < placeholder:
        return PLACEHOLDER_PHONES[int(u / placeholder * len(PLACEHOLDER_PHONES))]
    national = number[1 + len(country.calling) :]
    is_landline = not national.startswith(tuple(country.mobile.split()))
    local = ("0" if is_landline and country.calling == "86" else country.trunk) + national
    ways = (
        local,
        number,
        f"00{country.calling}{national}",
        f"+{country.calling} {national[:3]} {national[3:7]} {national[7:]}".rstrip(),
        f"{local[:3]}-{local[3:7]}-{local[7:]}".rstrip("-"),
        f"{local[:4]} {local[4:]}",
        f"({country.calling}) {national}",
        f"+{country.calling}-{national}",
        local.translate(FULL_WIDTH),
    )
    share = (u - placeholder) / (1 - placeholder)
    steps = (0.40, 0.58, 0.66, 0.74, 0.82, 0.90, 0.94, 0.985)
    return ways[sum(share >= step for step in steps)]
