"""Names of companies without legal form, and the Chinese city that goes with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cleanco import termdata  # type: ignore[import-untyped]

from ml.identity.normalise.cities import cities, place_pattern, provinces
from ml.identity.normalise.data import load, placeholders
from ml.identity.normalise.letters import HAN, compose, without_umlauts, words_of

HAN_LETTER = re.compile(f"[{HAN}]")
BETWEEN_HAN = re.compile(rf"(?<=[{HAN}])\s+|\s+(?=[{HAN}])")
INNER_DOT = re.compile(r"(?<=\w)\.(?=\w\b)|(?<=\b\w)\.")
EMPTY_WORDS = re.compile(r"[(\[【](?:中国|集团|总部|筹)[)\]】]")
LEAST_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Company:
    """A company's name, comparable; all None: no company's.

    `company` is in small letters without legal form and Chinese city; `company_city` that city in pinyin, or where only
    the province is named, that.
    """

    company: str | None = None
    company_city: str | None = None


NONE = Company()


def normalise_company(raw: str | None) -> Company:
    """The company's name in comparable form; see `Company`. Never raises."""
    if raw is None:
        return NONE
    text = compose(raw)
    words = words_of(INNER_DOT.sub("", text.replace("&", " and ").replace("+", " and ")), digits=True)
    if not words or len(set("".join(words))) == 1 and len("".join(words)) > LEAST_LETTERS:
        return NONE
    if " ".join(words) in placeholders("companies"):
        return NONE
    return _chinese(text) if HAN_LETTER.search(text) else _western(words)


def _western(words: list[str]) -> Company:
    words = words[1:] if words[0] == "the" and len(words) > 1 else words
    core = without_legal_forms(words)
    return Company(" ".join(map(without_umlauts, core)))


def without_legal_forms(words: Sequence[str]) -> Sequence[str]:
    """The words without legal forms at the end; at least the first word stays."""
    longest, forms = _legal_forms()
    end = len(words)
    while True:
        sizes = range(min(longest, end - 1), 0, -1)
        size = next((size for size in sizes if tuple(words[end - size : end]) in forms), 0)
        if not size:
            return words[:end]
        end -= size
        if end > 1 and words[end - 1] in load("companies")["between"]:
            end -= 1


@cache
def _legal_forms() -> tuple[int, frozenset[tuple[str, ...]]]:
    lists = [*termdata.terms_by_type.values(), *termdata.terms_by_country.values(), load("companies")["legal_forms"]]
    spelled = {term for terms in lists for term in terms}
    forms = {tuple(words_of(term.replace(".", ""), digits=True)) for term in spelled}
    forms |= {tuple(words_of(term, digits=True)) for term in spelled}
    forms = {form for form in forms if form}
    return max(map(len, forms)), frozenset(forms)


def _chinese(text: str) -> Company:
    text = BETWEEN_HAN.sub("", text.casefold())
    bracketed = _in_brackets().search(text)
    text = EMPTY_WORDS.sub("", _in_brackets().sub("", text))
    name, is_branch = _without_form("".join(words_of(text, digits=True)))
    place = _place(bracketed) if bracketed else None
    places = (_at_end(), _at_start()) if is_branch else (_at_start(),) if place else (_at_start(), _at_end())
    for pattern in places:
        match = pattern.fullmatch(name)
        if (
            match
            and len(match.group("rest")) >= LEAST_LETTERS
            and match.group("rest") not in load("companies")["trades"]
        ):
            # Of a branch counts where the company itself is.
            name, place = _without_form(match.group("rest"))[0], _place(match) if is_branch else place or _place(match)
            if not is_branch:
                break
    return Company(name, place) if name else NONE


def _without_form(name: str) -> tuple[str, bool]:
    """The name without legal forms at its end, unless it is nothing else; and whether a branch was among them."""
    is_branch = False
    while form := next((f for f in _forms_zh() if name.endswith(f) and len(name) >= len(f) + LEAST_LETTERS), None):
        name, is_branch = name.removesuffix(form), is_branch or form == "分公司"
    return name, is_branch


def _place(match: re.Match[str]) -> str:
    city = match.group("city")
    return cities()[city] if city else provinces()[match.group("only")]


@cache
def _forms_zh() -> list[str]:
    return sorted(load("companies")["legal_forms_zh"], key=lambda form: (-len(form), form))


@cache
def _in_brackets() -> re.Pattern[str]:
    return re.compile(rf"[(\[【]{place_pattern()}[)\]】]")


@cache
def _at_start() -> re.Pattern[str]:
    return re.compile(f"(?:{place_pattern()})(?P<rest>.*)", re.DOTALL)


@cache
def _at_end() -> re.Pattern[str]:
    return re.compile(f"(?P<rest>.*?)(?:{place_pattern()})", re.DOTALL)
