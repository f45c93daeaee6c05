from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.value.bg_nbd import BgNbd
from ml.value.gamma_gamma import GammaGamma
from ml.value.histories import COLUMNS
from ml.value.intervals import count_inside, count_quantiles, interval_ends, spent_quantiles, tails
from ml.value.nbd import Nbd
from ml.value.pareto_nbd import ParetoNbd
from tests.ml.value.worlds import bg_nbd_customers, nbd_customers, pareto_nbd_customers

WORLDS = {
    "bg_nbd": (BgNbd, bg_nbd_customers, (0.8, 10.0, 0.9, 2.5)),
    "pareto_nbd": (ParetoNbd, pareto_nbd_customers, (0.8, 10.0, 0.9, 20.0)),
    "nbd": (Nbd, nbd_customers, (0.9, 12.0)),
}
P, Q, V = 4.0, 3.5, 60.0


def world(name, count=12_000):
    """A fitted process and spend model, the rows, and what was bought and spent in the next 26 weeks."""
    process, simulate, truth = WORLDS[name]
    histories, later = simulate(*truth, count=count)
    frame = pd.DataFrame(np.ceil(histories), columns=list(COLUMNS))
    random = np.random.default_rng(9)
    nu = random.gamma(Q, 1 / V, count)
    days = histories[:, 0] + 1
    spend = np.column_stack([days, random.gamma(P * days, 1 / nu) / days])
    spent = np.where(later > 0, random.gamma(P * np.maximum(later, 1), 1 / nu), 0.0)
    return process().fit(frame), GammaGamma().fit(spend), frame, spend, later, spent


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_intervals_of_spending_cover_what_they_claim(name, level):
    process, spend, frame, rows, _, spent = world(name)
    quantiles = spent_quantiles(process, spend, frame, rows, np.full(len(frame), 26.0), tails(level))
    covered = count_inside(quantiles, spent) / len(spent)
    # Whoever buys nothing with a greater probability than that is inside with that probability.
    claimed = np.maximum(process.probability_no_purchase(frame, 26.0), level).mean()
    assert covered >= level - 0.01
    assert covered == pytest.approx(claimed, abs=0.015)


@pytest.mark.parametrize("name", WORLDS)
def test_intervals_of_purchases_cover_at_least_what_they_claim(name):
    process, _, frame, _, later, _ = world(name)
    quantiles = count_quantiles(process, frame, np.full(len(frame), 26.0), np.array(tails(0.9)))
    buyers = quantiles[:, 2] > 0
    ends, later = quantiles[buyers].astype(float), later[buyers]
    # Purchases come whole, so that an interval cannot hit its share exactly; one purchase less would not be enough.
    assert 0.89 <= count_inside(ends, later) / len(later) <= 0.98
    ends[:, 1:] -= 1
    assert count_inside(ends, later) / len(later) < 0.89


def test_count_quantiles_are_those_of_the_exact_distribution():
    process, _, frame, *_ = world("nbd", 400)
    at = np.array([0.05, 0.5, 0.95])
    found = count_quantiles(process, frame, np.full(len(frame), 26.0), at)
    terms = process.purchase_pmf(frame, 26.0)
    cumulated = np.cumsum([next(terms) for _ in range(200)], axis=0)
    expected = (cumulated[:, :, None] < at).sum(axis=0)
    np.testing.assert_array_equal(found, expected)


def test_an_interval_depends_on_nobody_else():
    process, spend, frame, rows, *_ = world("bg_nbd", 3000)
    horizon = np.full(len(frame), 26.0)
    everybody = spent_quantiles(process, spend, frame, rows, horizon, tails(0.9))
    some = np.random.default_rng(1).permutation(len(frame))[:50]
    alone = spent_quantiles(process, spend, frame.iloc[some], rows[some], horizon[some], tails(0.9))
    np.testing.assert_array_equal(everybody[some], alone)


def test_where_nothing_lies_below_all_that_is_left_out_lies_above():
    ends = interval_ends(np.array([[0.0, 4.0, 5.0], [1.0, 4.0, 5.0]]))
    assert ends.tolist() == [[0.0, 4.0], [1.0, 5.0]]


def test_without_a_spend_model_purchases_are_worth_the_mean():
    process, _, frame, *_ = world("bg_nbd", 300)
    pooled = GammaGamma().fit([[2, 10.0]])
    horizon = np.full(len(frame), 26.0)
    quantiles = spent_quantiles(process, pooled, frame, np.zeros((300, 2)), horizon, tails(0.9))
    assert pooled.is_fallback_
    assert (np.isclose(quantiles % 10.0, 0) | np.isclose(quantiles % 10.0, 10)).mean() > 0.9
