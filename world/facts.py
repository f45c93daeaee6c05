"""The truth about people, companies and purchases."""

from __future__ import annotations

import numpy as np

from world import names
from world.chunk import Chunk
from world.people import OCCUPATIONS
from world.places import COUNTRIES
from world.purchases import Purchases, expected_purchases
from world.seeds import NEVER
from world.span import DAY, Span


def tell_facts(chunk: Chunk) -> None:
    """Who lives in the chunk."""
    people, companies = chunk.people, chunk.companies
    employers = np.append(chunk.company_id, None)
    lands = np.array([country.name for country in COUNTRIES], dtype=object)
    order = [
        f"{s}{g}" if c == names.CHINESE else f"{g} {s}"
        for s, g, c in zip(people.surname, people.given, people.culture, strict=True)
    ]
    chunk.truth.add(
        "people",
        {
            "person_id": chunk.person_id.tolist(),
            "household_id": [name.replace("person", "household") for name in chunk.person_id[people.head].tolist()],
            "full_name": order,
            "sex": people.sex.tolist(),
            "birth_date": people.birth.astype("datetime64[D]"),
            "country": lands[people.country].tolist(),
            "region": [address[2] for address in people.address],
            "occupation": [OCCUPATIONS[n] for n in people.occupation.tolist()],
            "company_id": employers[people.company].tolist(),
            "company_id_new": employers[people.company_new].tolist(),
            "changed_job_at": _times(people.changed_job_at),
            "is_customer": np.isin(np.arange(len(people)), chunk.accounts.who).tolist(),
        },
    )
    legal = [companies.legal(n) for n in range(len(companies))]
    lands_of = lands[companies.country].tolist()
    chunk.truth.add("companies", {"company_id": chunk.company_id.tolist(), "legal_name": legal, "country": lands_of})


def tell_purchases(chunk: Chunk, purchases: Purchases, span: Span) -> None:
    """How each customer buys, and what is to be expected after the span of those who know the process."""
    count = len(purchases.rate)
    dropped = span.begin + np.nan_to_num(purchases.dropped_on, nan=0.0) * DAY
    dropped_at = np.where(np.isnan(purchases.dropped_on), NEVER, dropped.astype(np.int64))
    alive = dropped_at >= span.until
    expected = [alive * expected_purchases(purchases.rate, purchases.dropout, days) for days in (90, 365)]
    chunk.truth.add(
        "purchases_truth",
        {
            "person_id": chunk.person_id[:count].tolist(),
            "rate_per_day": purchases.rate,
            "dropout_probability": purchases.dropout,
            "mean_spend_gbp": purchases.spend,
            "first_purchase_at": span.begin + (purchases.first_on * DAY).astype(np.int64),
            "dropped_out_at": _times(dropped_at),
            "alive_at_end": alive,
            "count_purchases": np.bincount(purchases.customer, minlength=count),
            "expected_next_90_days": expected[0],
            "expected_next_365_days": expected[1],
            "count_next_365_days": purchases.count_future,
        },
    )


def _times(at: np.ndarray) -> list[int | None]:
    return np.where(at < NEVER, at.astype(object), None).tolist()
