"""Data from outside: a census by region and exchange rates (invented figures), and credit ratings of companies."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import numpy as np
import numpy.typing as npt

from world import places
from world.chunk import Chunk
from world.files import Files
from world.layout import BY_NAME
from world.seeds import generator, scramble
from world.span import DAY, Span, iso_date

CENSUS = BY_NAME["reference", "census_regions"]
RATINGS = BY_NAME["reference", "credit_ratings"]
RATES = BY_NAME["reference", "exchange_rates"]
CENSUS_HEADER = (
    "region_id,country,region,census_year,population,median_age_years,median_income_gbp,share_urban,source\n"
)
RATINGS_HEADER = (
    "rating_id,company_name,registration_number,country,rating,score,limit_gbp,source,rated_on,valid_until\n"
)
RATES_HEADER = "rate_date,base_currency,currency,rate,source\n"
CURRENCIES = ("CNY", "EUR", "USD")
RATES_AT_FIRST = (10.3, 1.18, 1.57)  # units for one pound
DAILY_CHANGE = 0.004
GRADES = ("A", "B", "C", "D", "E")
AGENCIES = ("Example Credit Bureau", "示例信用")
RATED = 0.35
VALID_DAYS = 365


def write_census(files: Files, seed: int, span: Span) -> None:
    """One row a region."""
    rng = generator(seed, 0, "census")
    lines = [CENSUS_HEADER]
    for country, facts in enumerate(places.COUNTRIES[: places.MADE]):
        for region in dict.fromkeys(region for region, *_ in places.cities(country)):
            population, age = int(rng.integers(8, 1000)) * 10_000, 36 + 10 * rng.random()
            income, urban = int(rng.integers(90, 420)) * 100, 0.45 + 0.5 * rng.random()
            lines.append(
                f"{country:02d}-{len(lines):03d},{facts.name},{region},{span.start.year - 3},{population},{age:.1f},"
                f"{income},{urban:.2f},invented census\n"
            )
    files.append(CENSUS.path(""), "".join(lines).encode())
    files.append(RATINGS.path(""), RATINGS_HEADER.encode())


@cache
def exchange_rates(seed: int, span: Span) -> npt.NDArray[np.float64]:
    """Units of each of CURRENCIES for one pound, by day of the span: a random walk that rests at weekends."""
    rng = generator(seed, 0, "exchange rates")
    steps = rng.normal(0.0, DAILY_CHANGE, (span.days, len(CURRENCIES)))
    weekend = [(span.start + timedelta(days=n)).weekday() >= 5 for n in range(span.days)]
    steps[weekend] = 0.0
    return np.round(np.array(RATES_AT_FIRST) * np.exp(np.cumsum(steps, axis=0)), 4)


def write_rates(files: Files, seed: int, span: Span) -> None:
    """One row a working day and currency, and the day before the first: nobody publishes rates at weekends."""
    rates, lines = exchange_rates(seed, span), [RATES_HEADER]
    for n in range(-1, span.days):
        day = span.start + timedelta(days=n)
        if n >= 0 and day.weekday() >= 5:
            continue
        for code, rate in zip(CURRENCIES, rates[max(n, 0)], strict=True):
            lines.append(f"{day},GBP,{code},{rate:.4f},invented rates\n")
    files.append(RATES.path(""), "".join(lines).encode())


def tell_credit(chunk: Chunk) -> None:
    """Ratings of a share of the companies, renewed each year; some had run out before."""
    rng, companies = chunk.rng("credit"), chunk.companies
    rated = np.flatnonzero(rng.random(len(companies)) < RATED)
    first = chunk.span.begin - rng.integers(0, VALID_DAYS * DAY, len(rated))
    renewals = np.array([0, 1, 2])
    which, round_ = np.repeat(rated, 3), np.tile(renewals, len(rated))
    at = np.repeat(first, 3) + round_ * VALID_DAYS * DAY
    kept = (at < chunk.span.until) & ((round_ == 0) | (rng.random(len(at)) < 0.8))
    which, at, round_ = which[kept], at[kept], round_[kept]
    ids = [f"CR{n:08d}" for n in scramble(3 * companies.number[which] + round_, 100_000_000, "rating").tolist()]
    base = scramble(companies.number[which], 100, "credit score")
    score = np.clip(base + rng.integers(-8, 9, len(which)), 1, 100)
    days = iso_date(at), iso_date(at + VALID_DAYS * DAY)
    styles = rng.integers(0, 16, len(which)).tolist()
    knows = rng.random(len(which)) < 0.6
    lines = []
    for n, (company, style, points) in enumerate(zip(which.tolist(), styles, score.tolist(), strict=True)):
        land = companies.country[company]
        name = companies.written(company, style).replace(",", "")
        number = companies.registration[company] if knows[n] else ""
        limit = int(companies.employees[company] * points * 10)
        lines.append(
            f"{ids[n]},{name},{number},{places.COUNTRIES[land].name},{GRADES[4 - min(points // 20, 4)]},{points},"
            f"{limit},{AGENCIES[int(land == 0)]},{days[0][n]},{days[1][n]}\n"
        )
    chunk.files.append(RATINGS.path(""), "".join(lines).encode())
    nobody = [None] * len(ids)
    chunk.truth.add(
        "records",
        {
            "source": "reference",
            "entity": "credit_ratings",
            "record_id": ids,
            "person_id": nobody,
            "company_id": chunk.company_id[which].tolist(),
        },
    )
