"""Models and hard records, trained and made once for all tests of the identity engine."""

from __future__ import annotations

import numpy as np
import pytest

from bench.identity_hard import hard_set
from bench.identity_sets import LabelledSet
from ml.identity.link import Work, link
from ml.identity.model import Model
from tests.ml.identity.worlds import table_of


@pytest.fixture(scope="session")
def hard() -> LabelledSet:
    """3000 records of invented people who live together, move and change."""
    return hard_set(3000)


@pytest.fixture(scope="session")
def hard_linked(hard: LabelledSet) -> Work:
    """The hard records linked by a model that was trained on them."""
    return link(hard.records)


@pytest.fixture(scope="session")
def model(hard_linked: Work) -> Model:
    """A model of persons."""
    assert hard_linked.model is not None
    return hard_linked.model


@pytest.fixture(scope="session")
def family_model() -> Model:
    """A model of persons of whom most live with other customers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.identity_hard.HOUSEHOLD_SIZES", (0.2, 0.5, 0.2, 0.1, 0.0))
        trained = link(hard_set(2000).records).model
    assert trained is not None
    return trained


@pytest.fixture(scope="session")
def company_model() -> Model:
    """A model of companies: 600, each known twice with gaps, in 200 houses that share a switchboard or a website."""
    random = np.random.default_rng(3)
    words = ["".join(random.choice(list("abdefgiklmnoprstu"), 6)) for _ in range(900)]
    rows = []
    for n in range(600):
        name, house = " ".join(random.choice(words, 2)), n % 200
        shares_phone, shares_website = random.random(2) < 0.5
        truth = {
            "company": name,
            "registration": f"{random.integers(10**7, 10**8)}",
            "websites": [f"house{house}.example" if shares_website else name.replace(" ", "") + ".example"],
            "phones": [f"+4930{5_000_000 + (house if shares_phone else 1000 + n)}"],
            "company_city": f"town {house % 40}",
            "country": "DE",
        }
        for copy in range(2):
            told = {key for key in truth if key in ("company", "country") or random.random() < 0.7}
            rows.append({"record_key": f"c:{n}:{copy}", **{key: truth[key] for key in truth if key in told}})
    trained = link(table_of(rows), kind="company").model
    assert trained is not None
    return trained
