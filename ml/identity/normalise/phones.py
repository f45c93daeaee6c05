"""Phone numbers as E.164."""

from __future__ import annotations

import re
from functools import cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from ml.identity.normalise.countries import region_of
from ml.identity.normalise.data import load
from ml.identity.normalise.letters import compose

LEAST_DIGITS = 7
MOST_DIGITS = 15
EXTENSION = re.compile(r"(?<=\d)[\s,;.)-]*(?:ext|x|转|分机|内线|durchwahl|poste|#).*", re.IGNORECASE | re.DOTALL)
NEXT_NUMBER = re.compile(r"[/;,、|\n&]|\b(?:or|oder|ou|and|und|et)\b|或", re.IGNORECASE)
NOT_DIGIT = re.compile(r"\D+")
# A spreadsheet's rendering has lost digits.
ROUNDED = re.compile(r"\s*\d[.,]?\d*e\+?\d+\s*", re.IGNORECASE)
BEGINS_WITH_PLUS = re.compile(r"[^\d+]*\+")
FLOAT = re.compile(r"\.0\s*$")
CODE_IN_BRACKETS = re.compile(r"\s*\(\s*(?:\+|00)?([1-9]\d{0,2})\s*\)(.*)", re.DOTALL)
CHINESE_MOBILE = re.compile(r"(?:86)?(1[3-9]\d{9})")
RUNS = ("01234567890123456789", "98765432109876543210")


def normalise_phone(raw: str | None, country: str | None = None, default_country: str | None = None) -> str | None:
    """The first number of the field as E.164, without extension.

    The country is told by '+' or '00', else by `country` (a name or code) if the number is possible there (and not a
    valid Chinese mobile that is invalid there), else by the shape of a Chinese mobile, else by a country's code in
    brackets if the number is valid there, else by `default_country`.
    Where none of them tells it: '+0' and the digits without leading zeros, which still compares by its last digits.

    Returns None without a number, and for placeholders: one digit over and over, runs such as 12345678, known ones.
    """
    if raw is None or ROUNDED.fullmatch(raw):
        return None
    text = _first_number(EXTENSION.sub("", FLOAT.sub("", compose(raw))))
    digits = _digits(text)
    if len(digits) < LEAST_DIGITS or len(digits.lstrip("0")) > MOST_DIGITS or is_placeholder(digits):
        return None
    number = _international(text, digits) or _national(text, digits, country, default_country)
    if number is None:
        return f"+0{digits.lstrip('0')}"
    if is_placeholder(str(number.national_number)):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def is_placeholder(digits: str) -> bool:
    """Whether these digits are nobody's: too few, all equal but for the first ones, a run, or a known placeholder."""
    significant = digits.lstrip("0")
    if len(significant) < LEAST_DIGITS - 1 or len(set(significant)) == 1 or digits in _known():
        return True
    tail = significant[-8:]
    return len(set(tail)) == 1 or any(part in run for run in RUNS for part in (significant, tail))


@cache
def _known() -> frozenset[str]:
    return frozenset(load("placeholders")["phones"])


def _first_number(text: str) -> str:
    match = NEXT_NUMBER.search(text)
    # "0211/123456" is one number: what is before the slash is too short.
    if match and len(_digits(text[: match.start()])) >= LEAST_DIGITS:
        return text[: match.start()]
    return text


def _digits(text: str) -> str:
    return "".join(str(int(digit)) for digit in NOT_DIGIT.sub("", text))


def _international(text: str, digits: str) -> phonenumbers.PhoneNumber | None:
    """The number if it begins with '+' or '00'."""
    if BEGINS_WITH_PLUS.match(text):
        return _possible(f"+{digits}", None)
    return _possible(f"+{digits[2:]}", None) if digits.startswith("00") else None


def _national(
    text: str, digits: str, country: str | None, default_country: str | None
) -> phonenumbers.PhoneNumber | None:
    region = region_of(country)
    bracketed = CODE_IN_BRACKETS.fullmatch(text)
    code = bracketed.group(1) if bracketed else ""
    coded = _possible(f"+{code}{_digits(bracketed.group(2)).lstrip('0')}", None) if bracketed else None
    if coded and code != str(coded.country_code):  # a town's code that begins like a country's
        coded = None
    if coded and region and code == str(phonenumbers.country_code_for_region(region)):
        return coded
    there = _possible(digits, region) if region else None
    shape = CHINESE_MOBILE.fullmatch(digits)
    mobile = _possible(shape.group(1), "CN") if shape else None
    if there and not (mobile and phonenumbers.is_valid_number(mobile) and not phonenumbers.is_valid_number(there)):
        return there
    if mobile:
        return mobile
    if coded and phonenumbers.is_valid_number(coded):  # what is in brackets may be a town's code
        return coded
    default = region_of(default_country)
    return _possible(digits, default) if default else None


def _possible(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    # Possible by length: ranges come into use faster than lists of them are renewed.
    is_possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return number if is_possible else None
