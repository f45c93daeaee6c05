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
def company_model() -> Model:
    """A model of companies, trained on 600 that are known twice, mostly with the same website, number and town."""
    random = np.random.default_rng(3)
    words = ["".join(random.choice(list("abdefgiklmnoprstu"), 6)) for _ in range(900)]
    rows = []
    for n in range(600):
        name = " ".join(random.choice(words, 2))
        truth = {
            "company": name,
            "registration": f"{random.integers(10**7, 10**8)}",
            "websites": [name.replace(" ", "") + ".com"],
            "phones": [f"+4930{random.integers(10**6, 10**7)}"],
            "company_city": f"town {random.integers(40)}",
            "country": "DE",
        }
        for copy in range(2):
            seen = {
                key: value for key, value in truth.items() if key in ("company", "country") or random.random() < 0.7
            }
            rows.append({"record_key": f"c:{n}:{copy}", **seen})
    trained = link(table_of(rows), kind="company").model
    assert trained is not None
    return trained
