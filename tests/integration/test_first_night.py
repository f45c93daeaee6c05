"""A warehouse that has seen next to nothing."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.timeout(900)


def test_the_first_night_of_all_runs_on_next_to_nothing(installation, shop):
    day = min(shop.rows)
    installation.night(day)
    methods = installation.rows("select model, method, is_fallback from marts.fct_model_fits order by model")
    assert methods == [
        ("churn", "none", True),
        ("clusters", "none", True),
        ("recommend", "item_cosine", False),
        ("segments", "rfm", False),
        ("value", "none", True),
    ]
    assert installation.report().exists()
