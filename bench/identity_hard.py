"""A hard synthetic set for linking: households that share surname, address and telephone, and records that change.

People live in households; each is seen 1 to 5 times by sources that ask for different things, with errors, gaps and
values that are out of date. Nothing here knows how records will be linked.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.identity_errors import Damage, observe
from bench.identity_names import distinct_mails, given_names, names_of, places, streets, surnames
from bench.identity_sets import LabelledSet, as_records

Column = npt.NDArray[np.object_]
Table = dict[str, Column]
HOUSEHOLD_SIZES = (0.89, 0.075, 0.02, 0.01, 0.005)  # customers of one household, not all who live there
DUPLICATES = (0.25, 0.30, 0.20, 0.15, 0.10)
SHARE_OF_FLATS = 0.08  # households with the door number of another one
SHARE_TWINS = 0.08
SHARE_JUNIORS = 0.05
SHARE_MOVED = 0.25
SHARE_NEW_MAIL = 0.2
SHARE_NEW_PHONE = 0.2
SHARE_MARRIED_NAME = 0.1
SHARE_SHARED_MAIL = 0.04
MAIL_HOSTS = (
    ["gmail.com", "outlook.com", "yahoo.com", "icloud.com", "hotmail.co.uk", "btinternet.com"],
    [0.45, 0.2, 0.15, 0.08, 0.07, 0.05],
)


def hard_set(count_records: int, seed: int = 1) -> LabelledSet:
    """`count_records` records in random order; the same for the same seed. A million take well under a minute."""
    rng = np.random.default_rng(seed)
    mean = 1 + sum(number * share for number, share in enumerate(DUPLICATES))
    household, place = _households(rng, int(count_records / mean * 1.02) + 10)
    now, before = _people(rng, household, place)
    person = np.repeat(np.arange(len(household)), 1 + rng.choice(len(DUPLICATES), len(household), p=DUPLICATES))
    person = rng.permutation(person[: int(count_records * 1.01) + 5])[:count_records]
    columns = observe(rng, person, now, before, Damage())
    columns["record_key"] = np.array([f"hard:{row}" for row in range(len(person))], dtype=object)
    return LabelledSet(as_records(columns), person.astype(np.int64), household[person])


def _households(rng: np.random.Generator, people: int) -> tuple[npt.NDArray, npt.NDArray]:
    """For each person the household and the place in it: adults 0 and 1, children from 2."""
    sizes = 1 + rng.choice(len(HOUSEHOLD_SIZES), people, p=HOUSEHOLD_SIZES)
    household = np.repeat(np.arange(people), sizes)[:people]
    first = np.searchsorted(household, household)
    return household, np.arange(people) - first


def _people(rng: np.random.Generator, household: npt.NDArray, place: npt.NDArray) -> tuple[Table, Table]:
    """Each person as of now and as of before (the same where nothing changed)."""
    count = len(household)
    head = np.arange(count) - place  # the row of the household's first adult
    female = _sexes(rng, place, head)
    given = given_names(rng, female)
    junior = (place == 2) & ~female & ~female[head] & (rng.random(count) < SHARE_JUNIORS)
    given[junior] = given[head[junior]]
    surname = surnames(rng, count)
    with_family = rng.random(count) < np.where(place == 1, 0.75, 0.93)
    surname = np.where(with_family, surname[head], surname)
    now: Table = {"given_name": given, "surname": surname, "birth_date": _births(rng, place, head)}
    now |= _addresses(rng, household, place)
    now |= _contacts(rng, now, household, head)
    before = dict(now)
    moved = rng.random(count) < SHARE_MOVED
    older = _addresses(rng, household, place)
    before |= {name: np.where(moved, older[name], now[name]) for name in older}
    contacts = _contacts(rng, now, household, head, suffix="9")
    for name, share in (("mail", SHARE_NEW_MAIL), ("mobile", SHARE_NEW_PHONE)):
        before[name] = np.where(rng.random(count) < share, contacts[name], now[name])
    married = female & (place < 2) & (rng.random(count) < SHARE_MARRIED_NAME)
    before["surname"] = np.where(married, surnames(rng, count), surname)
    return now, before


def _sexes(rng: np.random.Generator, place: npt.NDArray, head: npt.NDArray) -> npt.NDArray[np.bool_]:
    """True for women; the two adults of a household mostly differ."""
    female = rng.random(len(place)) < 0.5
    couple = (place == 1) & (rng.random(len(place)) < 0.95)
    female[couple] = ~female[head[couple]]
    return female


def _births(rng: np.random.Generator, place: npt.NDArray, head: npt.NDArray) -> Column:
    """Dates of birth: adults of about one age, children 20 to 38 years younger, some of them twins."""
    count = len(place)
    adult = np.datetime64("1930-01-01") + rng.integers(0, 365 * 57, count)
    birth = np.where(place == 0, adult, adult[head] + rng.integers(-2900, 2900, count))
    latest = np.minimum((np.datetime64("2008-01-01") - adult[head]).astype(int), 13900)
    birth = np.where(place >= 2, adult[head] + rng.integers(7300, latest), birth)
    twin = np.flatnonzero((place == 3) & (rng.random(count) < SHARE_TWINS))
    birth[twin] = birth[twin - 1]
    return birth.astype(object)


def _addresses(rng: np.random.Generator, household: npt.NDArray, place: npt.NDArray) -> Table:
    """Street, city and postcode: the household's; of some grown-up children their own; some houses hold several."""
    homes = int(household[-1]) + 1
    door = np.where(rng.random(homes) < SHARE_OF_FLATS, rng.integers(0, homes, homes), np.arange(homes))
    city, street, postcode = places(rng, homes)
    names, numbers = streets(rng, homes), np.minimum(rng.geometric(0.02, homes), 400).astype(str).astype(object)
    line = names_of(street, names, numbers)
    away = (place >= 2) & (rng.random(len(place)) < 0.3)
    home = door[np.where(away, rng.integers(0, homes, len(place)), household)]
    return {"street": line[home], "city": city[home], "postcode": postcode[home]}


def _contacts(
    rng: np.random.Generator, people: Table, household: npt.NDArray, head: npt.NDArray, suffix: str = ""
) -> Table:
    """A mailbox and a mobile of each person's own (None: has none) and the household's telephone."""
    count = len(head)
    mail = distinct_mails(rng, people["given_name"], people["surname"], people["birth_date"], *MAIL_HOSTS, suffix)
    shared = rng.random(count) < SHARE_SHARED_MAIL
    mail = np.where(shared, mail[head], mail)
    mobile = _numbers(rng, "+447", count)
    home = _numbers(rng, "+441", count)[household]
    landline = rng.random(count)[household] < 0.6
    return {
        "mail": np.where(rng.random(count) < 0.08, None, mail),
        "mobile": np.where(rng.random(count) < 0.08, None, mobile),
        "landline": np.where(landline, home, None),
    }


def _numbers(rng: np.random.Generator, start: str, count: int) -> Column:
    """Telephone numbers, no two the same."""
    tails = pd.Series(rng.integers(100_000_000, 999_999_999, count))
    while (again := tails.duplicated()).any():
        tails[again] = rng.integers(100_000_000, 999_999_999, int(again.sum()))
    return (start + tails.astype(str)).to_numpy(dtype=object)
