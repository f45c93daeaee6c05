"""The people of a chunk: who they are, where they live and work, how they are reached, and what changes of it when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world import names, places
from world.companies import Companies
from world.parameters import PARAMETERS
from world.seeds import NEVER, scramble
from world.span import DAY, Span

Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]
OCCUPATIONS = (
    "buyer",
    "teacher",
    "nurse",
    "engineer",
    "shop owner",
    "clerk",
    "student",
    "retired",
    "designer",
    "driver",
)
OCCUPATIONS_ZH = ("采购员", "教师", "护士", "工程师", "店主", "职员", "学生", "退休", "设计师", "司机")
TITLES = ("Buyer", "Head of Purchasing", "Store Manager", "Managing Director", "Office Manager", "Sales Assistant")
TITLES_ZH = ("采购专员", "采购总监", "店长", "总经理", "行政经理", "销售助理")
MAIL_DOMAINS = ("example.com", "example.net", "example.org", "mail.example", "post.example")
MAIL_DOMAINS_ZH = ("qmail.example", "163mail.example", "example.com", "example.org")


@dataclass
class People:
    """Arrays of one length, one element a person; times are seconds since the epoch, NEVER where nothing changes.

    Each `…_new` holds from its time on: address from `moved_at`, mail and mobile from `reached_anew_at`, company and
    title from `changed_job_at`. `company` is the place in the chunk's companies, -1 without.
    """

    number: Ints
    head: Ints
    country: Ints
    city: Ints
    culture: Ints
    sex: Objects
    birth: npt.NDArray[np.datetime64]
    surname: Objects
    given: Objects
    occupation: Ints
    mail: Objects
    mail_new: Objects
    mobile: Objects
    mobile_new: Objects
    landline: Objects
    reached_anew_at: Ints
    address: Objects
    address_new: Objects
    moved_at: Ints
    company: Ints
    company_new: Ints
    title: Ints
    title_new: Ints
    changed_job_at: Ints
    employed_since: npt.NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.number)

    @property
    def is_chinese(self) -> npt.NDArray[np.bool_]:
        """Whether the name is Chinese."""
        return self.culture == names.CHINESE

    def company_at(self, who: Ints, at: Ints) -> Ints:
        """The employer at a time; -1 without."""
        return np.where(at >= self.changed_job_at[who], self.company_new[who], self.company[who])


def person_ids(numbers: Ints) -> list[str]:
    """The truth's name of each person; never written to a source."""
    return [f"person-{number:08d}" for number in numbers.tolist()]


def draw_heads(rng: np.random.Generator, count: int) -> Ints:
    """Group people into households of one to four neighbours; the place of each one's head."""
    sizes = rng.choice([1, 2, 3, 4], count, p=[0.62, 0.22, 0.10, 0.06])
    return np.repeat(np.cumsum(sizes) - sizes, sizes)[:count]


def draw_people(
    rng: np.random.Generator,
    span: Span,
    numbers: Ints,
    country: Ints,
    head: Ints,
    companies: Companies,
    chinese_abroad: float = 0.06,
) -> People:
    """Make people of these countries and households; a household lives in one country."""
    count = len(numbers)
    country = np.asarray(country, dtype=np.int64)
    head = np.where(country[head] == country, head, np.arange(count))
    head = head[head]
    is_member = head != np.arange(count)
    culture = _cultures(rng, country, chinese_abroad)[head]
    sex = np.where(rng.random(count) < 0.5, "m", "f").astype(object)
    surname = names.surnames(rng, culture)
    keeps = is_member & (rng.random(count) < 0.7)
    surname = np.where(keeps, surname[head], surname)
    given = names.given_names(rng, culture, sex)
    # A child who bears a parent's full name at the same address is another person all the same.
    is_junior = keeps & (rng.random(count) < 0.03)
    given, sex = np.where(is_junior, given[head], given), np.where(is_junior, sex[head], sex)
    city = places.draw_cities(rng, country)[head]
    contact = _contacts(rng, numbers, country, city, head, culture, surname, given)
    # Half of those with Chinese names abroad work for companies in China.
    works_in = np.where((culture == names.CHINESE) & (rng.random(count) < 0.5), 0, country)
    work = _work(rng, span, works_in, companies)
    moved_at = _some_time(rng, span, count, 0.12)[head]
    return People(
        number=numbers,
        head=head,
        country=country,
        city=city,
        culture=culture,
        sex=sex,
        birth=_births(rng, span, head, is_junior),
        surname=surname,
        given=given,
        occupation=rng.integers(0, len(OCCUPATIONS), count),
        reached_anew_at=_some_time(rng, span, count, 0.15),
        address=places.addresses(rng, country, city)[head],
        address_new=places.addresses(rng, country, city)[head],
        moved_at=moved_at,
        **contact,
        **work,
    )


def _cultures(rng: np.random.Generator, country: Ints, chinese_abroad: float) -> Ints:
    usual = {"China": names.CHINESE, "Germany": names.GERMAN, "France": names.FRENCH}
    by_country = np.array([usual.get(land.name, names.ENGLISH) for land in places.COUNTRIES])
    return np.where(rng.random(len(country)) < chinese_abroad, names.CHINESE, by_country[country])


def _births(rng: np.random.Generator, span: Span, head: Ints, is_junior: npt.NDArray[np.bool_]) -> npt.NDArray:
    """Heads are 24 to 75 years old at the start, others of the household near in age or grown-up children."""
    count = len(head)
    age = rng.triangular(24, 36, 75, count)
    near = age[head] + rng.normal(0, 4, count)
    younger = age[head] - rng.uniform(22, 34, count)
    is_child = is_junior | (rng.random(count) < 0.35)
    age = np.where(head == np.arange(count), age, np.where(is_child, younger, near))
    days = (np.clip(age, 16, 95) * 365.25).astype(np.int64)
    return np.datetime64(span.start) - days.astype("timedelta64[D]")


def _some_time(rng: np.random.Generator, span: Span, count: int, share: float) -> Ints:
    """A time in the span for a share, NEVER for the others."""
    at = rng.integers(span.begin, span.until, count)
    return np.where(rng.random(count) < share, at, NEVER)


def _contacts(
    rng: np.random.Generator,
    numbers: Ints,
    country: Ints,
    city: Ints,
    head: Ints,
    culture: Ints,
    surname: Objects,
    given: Objects,
) -> dict[str, Objects]:
    """Mails and phones, before and after they change; a household shares its landline and sometimes a mobile."""
    count = len(numbers)
    mobile = places.mobiles(country, 2 * numbers)
    shares = rng.random(count) < PARAMETERS.shares_mobile
    mobile = np.where(shares, mobile[head], mobile)
    landline = places.landlines(country, city, numbers, "household")[head]
    has_landline = (rng.random(count) < 0.45)[head]
    anew = rng.random((2, count)) < 0.6
    mail = mails(rng, 2 * numbers, culture, surname, given)
    return {
        "mobile": mobile,
        "mobile_new": np.where(anew[0], places.mobiles(country, 2 * numbers + 1), mobile),
        "landline": np.where(has_landline, landline, None),
        "mail": mail,
        "mail_new": np.where(anew[1], mails(rng, 2 * numbers + 1, culture, surname, given), mail),
    }


def mails(rng: np.random.Generator, index: Ints, culture: Ints, surname: Objects, given: Objects) -> Objects:
    """Private mail addresses, each unique by digits made from its index."""
    digits = scramble(index, 100_000_000, "mail").tolist()
    ways = rng.integers(0, 24, len(index)).tolist()
    rows = zip(culture.tolist(), surname, given, digits, ways, strict=True)
    return np.array([_mail(*row) for row in rows], dtype=object)


def _mail(culture: int, surname: str, given: str, digits: int, way: int) -> str:
    if culture == names.CHINESE:
        first, last, domains = "".join(names.syllables(given)), names.surname_pinyin(surname), MAIL_DOMAINS_ZH
    else:
        first, last, domains = names.plain(given).lower(), names.plain(surname).lower(), MAIL_DOMAINS
    first, last = (part.replace(" ", "").replace("'", "").replace("-", "") for part in (first, last))
    stems = (f"{first}.{last}", f"{last}{first}", f"{first[0]}{last}", f"{first}_{last}", first)
    # Six digits at least: shorter ones would run into those of a name that ends in digits.
    return f"{'' if culture == 0 and way > 15 else stems[way % 5]}{digits:06d}@{domains[way % len(domains)]}"


def _work(rng: np.random.Generator, span: Span, country: Ints, companies: Companies) -> dict[str, npt.NDArray]:
    """Employers of these countries, large ones likelier; every eighth employee changes the job in the span."""
    count = len(country)
    first, second = companies.draw_employers(rng, country), companies.draw_employers(rng, country)
    is_employed = rng.random(count) < 0.5
    changes = is_employed & (first != second) & (rng.random(count) < 0.12)
    since = np.datetime64(span.start) - rng.integers(30, 4000, count).astype("timedelta64[D]")
    title = rng.integers(0, len(TITLES), (2, count))
    changed_at = rng.integers(span.begin + DAY, span.until, count)
    return {
        "company": np.where(is_employed, first, -1),
        "company_new": np.where(changes, second, np.where(is_employed, first, -1)),
        "title": title[0],
        "title_new": np.where(changes, title[1], title[0]),
        "changed_job_at": np.where(changes, changed_at, NEVER),
        "employed_since": since,
    }
