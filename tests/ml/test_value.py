from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from ml.value.bg_nbd import bg_nbd_log_likelihood, fit_bg_nbd, fit_nbd, nbd_log_likelihood
from ml.value.gamma_gamma import fit_gamma_gamma
from ml.value.gamma_gamma import log_likelihood as spend_log_likelihood
from ml.value.histories import Histories
from ml.value.model import fit_value_model

CDNOW = pd.read_csv(Path(__file__).parents[1] / "fixtures" / "cdnow_sample_summary.csv")
WEEK = 7.0


@pytest.fixture(scope="module")
def cdnow() -> Histories:
    return Histories.group(CDNOW["x"].to_numpy(), CDNOW["t_x"].to_numpy() / WEEK, CDNOW["age"].to_numpy() / WEEK)


def test_bg_nbd_reproduces_the_published_fit(cdnow):
    # Fader, Hardie, Lee (2005), table 2 and section 4: tenth sample, 2,357 customers, 39 weeks.
    fit = fit_bg_nbd(cdnow)
    assert cdnow.count_customers == 2357
    assert fit is not None
    assert (fit.r, fit.alpha, fit.a, fit.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=5e-4)
    assert fit.log_likelihood == pytest.approx(-9582.4, abs=0.05)


def test_bg_nbd_predicts_the_papers_example(cdnow):
    # Fader, Hardie (2005), Implementing the BG/NBD Model in Excel: the customer with x=2, t_x=30.43, T=38.86
    # is expected to buy 1.226 times in the next 39 weeks.
    fit = fit_bg_nbd(cdnow)
    expected = fit.expected_purchases(np.array([2.0]), np.array([30.43]), np.array([38.86]), 39.0)
    assert expected[0] == pytest.approx(1.226, abs=1e-3)


def test_gamma_gamma_reproduces_the_published_fit():
    # Fader, Hardie (2013), note 025, section 5: the 946 customers with a repeat purchase.
    x, spend = CDNOW["x"].to_numpy(float), CDNOW["mean_spend"].to_numpy(float)
    fit = fit_gamma_gamma(x, spend)
    assert int((x > 0).sum()) == 946
    assert (fit.p, fit.q, fit.v) == pytest.approx((6.25, 3.74, 15.44), abs=6e-3)
    assert fit.log_likelihood == pytest.approx(-4055.92, abs=0.01)


@pytest.mark.parametrize(
    ("likelihood", "parameters"),
    [(bg_nbd_log_likelihood, (0.3, 4.0, 0.7, 2.0)), (nbd_log_likelihood, (0.5, 9.0))],
)
def test_gradients_equal_finite_differences(likelihood, parameters, cdnow):
    point = np.array(parameters)
    _, gradient = likelihood(point, cdnow)
    numeric = approx_fprime(point, lambda p: likelihood(p, cdnow)[0], 1e-6)
    assert gradient == pytest.approx(numeric, rel=1e-3)


def test_spend_gradient_equals_finite_differences():
    x, spend = np.array([1.0, 2, 5, 1]), np.array([10.0, 22, 31, 8])
    point = np.array([3.0, 2.5, 14.0])
    numeric = approx_fprime(point, lambda p: spend_log_likelihood(p, x, spend)[0], 1e-6)
    assert spend_log_likelihood(point, x, spend)[1] == pytest.approx(numeric, rel=1e-4)


def simulate(r, alpha, a, b, age, horizon, seed, customers):
    """Purchases of BG/NBD customers by day: x, t_x, and the purchases in the horizon after age."""
    random = np.random.default_rng(seed)
    rate, dropout = random.gamma(r, 1 / alpha, customers), random.beta(a, b, customers)
    x, t_x, later = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    for customer in range(customers):
        time, alive = 0.0, True
        while alive:
            time += random.exponential(1 / rate[customer])
            if time > age + horizon:
                break
            if time <= age:
                x[customer] += 1
                t_x[customer] = time
            else:
                later[customer] += 1
            alive = random.random() >= dropout[customer]
    return x, t_x, later


def test_recovers_known_parameters_and_predicts_the_hold_out():
    x, t_x, later = simulate(0.8, 10.0, 0.9, 2.5, age=52.0, horizon=26.0, seed=1, customers=20_000)
    fit = fit_bg_nbd(Histories.group(x, t_x, np.full(len(x), 52.0)))
    assert (fit.r, fit.alpha, fit.a, fit.b) == pytest.approx((0.8, 10.0, 0.9, 2.5), rel=0.12)
    expected = fit.expected_purchases(x, t_x, np.full(len(x), 52.0), 26.0)
    assert expected.sum() == pytest.approx(later.sum(), rel=0.03)
    silent = fit.probability_no_purchase(x, t_x, np.full(len(x), 52.0), 26.0)
    assert silent.mean() == pytest.approx((later == 0).mean(), abs=0.01)


def test_purchases_without_dropout_have_no_inner_maximum_and_fall_back_to_nbd():
    random = np.random.default_rng(3)
    age = np.full(4000, 52.0)
    counts = random.poisson(random.gamma(0.9, 1 / 12.0, 4000) * 52.0).astype(float)
    # The last of n uniform times: no customer ever stops.
    t_x = np.where(counts > 0, 52.0 * random.random(4000) ** (1 / np.maximum(counts, 1)), 0.0)
    histories = Histories.group(counts, t_x, age)
    assert fit_bg_nbd(histories) is None
    nbd = fit_nbd(histories)
    assert (nbd.r, nbd.alpha) == pytest.approx((0.9, 12.0), rel=0.1)


def test_equal_customers_are_grouped_without_changing_the_fit():
    once = Histories.group(np.array([0.0, 2, 3]), np.array([0.0, 4, 9]), np.array([10.0, 10, 10]))
    thrice = Histories.group(np.tile(once.x, 3), np.tile(once.t_x, 3), np.tile(once.age, 3))
    assert len(thrice.x) == 3
    point = np.array([0.5, 3.0, 0.8, 2.0])
    assert bg_nbd_log_likelihood(point, thrice)[0] == pytest.approx(3 * bg_nbd_log_likelihood(point, once)[0])


@pytest.mark.parametrize("row", [(1, 5, 3), (0, 2, 3), (-1, 0, 3), (2, 0, 3), (1, float("nan"), 3)])
def test_impossible_histories_are_refused(row):
    with pytest.raises(ValueError, match="impossible histories"):
        Histories.group(*(np.array([float(value)]) for value in row))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 40), st.floats(0, 1), st.floats(1, 300), st.floats(1, 400))
def test_predictions_stay_in_their_ranges(x, share, age, horizon):
    fit = fit_bg_nbd(Histories.group(CDNOW["x"].to_numpy(), CDNOW["t_x"].to_numpy() / 7, CDNOW["age"].to_numpy() / 7))
    history = np.array([float(x)]), np.array([age * max(share, 1e-3) if x else 0.0]), np.array([age])
    assert 0 <= fit.probability_alive(*history)[0] <= 1
    assert 0 <= fit.probability_no_purchase(*history, horizon)[0] <= 1
    shorter, longer = (fit.expected_purchases(*history, h)[0] for h in (horizon, 2 * horizon))
    assert -1e-9 <= shorter <= longer + 1e-9


def snapshot_rows(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "count_repeat_purchases": [0] * count,
            "recency_days": [0] * count,
            "age_days": [10] * count,
            "average_repeat_amount": [np.nan] * count,
            "value_horizon_days": [365] * count,
        }
    )


def test_too_little_history_gives_no_value_and_says_so():
    model = fit_value_model(snapshot_rows(10))
    assert model.method == "none"
    assert "Too little history" in model.note
    assert model.predict(snapshot_rows(3))["customer_value"].isna().all()
