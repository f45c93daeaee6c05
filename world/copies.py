"""How one person or company is written down in a system: what is left out, misspelled, out of date or put otherwise.

A record's draws are made once, so that its versions agree; what is known of the person is told by `known_at`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world import names, noise, places
from world.companies import Companies
from world.people import TITLES, TITLES_ZH, People

Ints = npt.NDArray[np.int64]
DRAWS = 16  # columns of draws that writing one record takes


@dataclass(frozen=True)
class Habits:
    """How a system's people write: shares between 0 and 1."""

    characters: float = 0.75  # Chinese names in characters
    plain_name: float = 0.72  # Western names as they are
    typo: float = 0.04
    no_mail: float = 0.12
    no_mobile: float = 0.25
    landline: float = 0.25  # landline given (where there is one)
    no_address: float = 0.3
    no_birth: float = 0.5
    work_mail: float = 0.1
    placeholder: float = 0.012


SHOP = Habits(characters=0.8, no_mail=0.0, no_mobile=0.3, no_address=0.05, no_birth=0.55)
CRM = Habits(characters=0.7, no_mail=0.15, no_mobile=0.3, no_address=0.4, no_birth=0.8, work_mail=0.6, typo=0.06)
CHINESE_CRM = Habits(characters=0.97, no_mail=0.45, no_mobile=0.08, no_address=0.5, no_birth=0.8, work_mail=0.6)
SERVICE = Habits(characters=0.8, no_mail=0.2, no_mobile=0.4, no_address=1.0, no_birth=1.0, typo=0.08, plain_name=0.6)


@dataclass
class Copy:
    """One writing of a person; None where a field was left empty."""

    surname: str
    given: str
    full: str
    mail: str | None
    mobile: str | None
    phone: str | None
    birth: str | None
    sex: str | None
    address: places.Address | None
    country: str
    company: int
    company_name: str | None
    title: str | None


def draw(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """The draws that decide how each of `count` records is written."""
    return rng.random((count, DRAWS))


def write_people(
    people: People, companies: Companies, who: Ints, known_at: Ints, draws: npt.NDArray[np.float64], habits: Habits
) -> list[Copy]:
    """Write each of these people as known at that time."""
    births = np.datetime_as_string(people.birth[who]).tolist()
    anew = (known_at >= people.reached_anew_at[who]).tolist()
    moved = (known_at >= people.moved_at[who]).tolist()
    employer = people.company_at(who, known_at).tolist()
    changed = (known_at >= people.changed_job_at[who]).tolist()
    rows = zip(who.tolist(), births, anew, moved, employer, changed, draws.tolist(), strict=True)
    return [_write(people, companies, habits, *row) for row in rows]


def _write(
    people: People,
    companies: Companies,
    habits: Habits,
    who: int,
    birth: str,
    anew: bool,
    moved: bool,
    employer: int,
    changed: bool,
    u: list[float],
) -> Copy:
    surname, given, full = _name(people, habits, who, u)
    country = places.COUNTRIES[people.country[who]]
    title = (people.title_new if changed else people.title)[who]
    mobile = (people.mobile_new if anew else people.mobile)[who]
    return Copy(
        surname=surname,
        given=given,
        full=full,
        mail=_mail(people, companies, habits, who, anew, employer, u),
        mobile=None if u[5] < habits.no_mobile else noise.phone(mobile, country, u[6], habits.placeholder),
        phone=_landline(people, companies, habits, who, employer, country, u),
        birth=None if u[8] < habits.no_birth else _birth(birth, u[9], habits),
        sex=people.sex[who] if u[10] < 0.6 else None,
        address=None if u[11] < habits.no_address else (people.address_new if moved else people.address)[who],
        country=country.name,
        company=employer,
        company_name=companies.written(employer, int(u[12] * 1e6)) if employer >= 0 else None,
        title=_title(people, who, title, employer, u[13]),
    )


def _name(people: People, habits: Habits, who: int, u: list[float]) -> tuple[str, str, str]:
    """Surname, given name and full name; the full name in the order its writer uses."""
    surname, given, style = people.surname[who], people.given[who], int(u[1] * 1e6)
    has_typo = u[2] < habits.typo
    if people.culture[who] == names.CHINESE:
        if u[0] < habits.characters:
            given = noise.other_character(given, u[3]) if has_typo else given
            return surname, given, surname + ("\u3000" if u[3] > 0.985 else "") + given
        full = names.chinese_in_latin(surname, given, style)
        full = noise.typo(full, u[3]) if has_typo else full
        first, _, last = full.rpartition(" ")
        return (last or full), (first or full), full
    if u[0] > habits.plain_name:
        given, surname = names.western_ways(surname, given, people.sex[who], style)
    if has_typo:
        surname = noise.typo(surname, u[3])
    return surname, given, f"{surname}, {given}" if u[4] > 0.96 else f"{given} {surname}"


def _mail(
    people: People, companies: Companies, habits: Habits, who: int, anew: bool, employer: int, u: list[float]
) -> str | None:
    if u[4] < habits.no_mail:
        return None
    if u[14] < habits.placeholder:
        return noise.PLACEHOLDER_MAILS[int(u[15] * len(noise.PLACEHOLDER_MAILS))]
    if employer >= 0 and u[14] > 1 - habits.work_mail:
        return work_mail(people, companies, who, employer)
    mail = (people.mail_new if anew else people.mail)[who]
    return noise.mail(mail, u[15], habits.typo)


def work_mail(people: People, companies: Companies, who: int, employer: int) -> str:
    """The address the employer gives: initial, surname and the day of birth, so that namesakes differ."""
    surname, given = people.surname[who], people.given[who]
    if people.culture[who] == names.CHINESE:
        stem = f"{''.join(names.syllables(given))}.{names.surname_pinyin(surname)}"
    else:
        stem = f"{names.plain(given)}.{names.plain(surname)}".lower().replace(" ", "").replace("'", "")
    twins = f"{people.number[who] % 97:02d}"
    return f"{stem}{twins}@{companies.domain[employer]}"


def _landline(
    people: People,
    companies: Companies,
    habits: Habits,
    who: int,
    employer: int,
    country: places.Country,
    u: list[float],
) -> str | None:
    """The home landline, or at work the switchboard that all colleagues give."""
    if u[7] > habits.landline:
        return None
    if employer >= 0 and u[14] > 1 - habits.work_mail:
        extension = f" ext. {int(u[7] * 1e5) % 900 + 100}" if u[15] < 0.2 else ""
        return noise.phone(companies.switchboard[employer], country, u[6], habits.placeholder) + extension
    number = people.landline[who]
    return noise.phone(number, country, u[6], habits.placeholder) if number else None


def _birth(birth: str, u: float, habits: Habits) -> str:
    if u < 2 * habits.placeholder:
        return "1900-01-01"
    if u > 1 - habits.typo / 4 and int(birth[8:]) <= 12:
        return f"{birth[:5]}{birth[8:]}-{birth[5:7]}"  # day and month the wrong way round
    return birth


def _title(people: People, who: int, title: int, employer: int, u: float) -> str | None:
    if employer < 0 or u < 0.15:
        return None
    return TITLES_ZH[title] if people.culture[who] == names.CHINESE and u < 0.85 else TITLES[title]
