"""BG/NBD, Pareto/NBD and NBD: the papers' figures, known parameters, slopes, and what happens at the edges."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from scipy.special import gammaln, hyp2f1, hyperu
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import (
    check_estimator_repr,
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
)

from ml.value.bg_nbd import BgNbd, bg_nbd_log_likelihood
from ml.value.histories import Histories
from ml.value.nbd import MeanRate, Nbd, nbd_log_likelihood
from ml.value.pareto_nbd import ParetoNbd, dropout_integral, pareto_nbd_log_likelihood
from tests.ml.value.worlds import CDNOW_WEEKS, bg_nbd_customers, nbd_customers, pareto_nbd_customers

PROCESSES = (BgNbd, ParetoNbd, Nbd)
LIKELIHOODS = {
    "bg_nbd": (bg_nbd_log_likelihood, (0.3, 4.0, 0.7, 2.0)),
    "pareto_nbd": (pareto_nbd_log_likelihood, (0.5, 9.0, 0.7, 12.0)),
    "pareto_nbd, alpha above beta": (pareto_nbd_log_likelihood, (0.5, 12.0, 0.7, 3.0)),
    "nbd": (nbd_log_likelihood, (0.5, 9.0)),
}
FITTED = {process: process().fit(CDNOW_WEEKS) for process in PROCESSES}


def test_bg_nbd_reproduces_the_published_fit():
    # Fader, Hardie, Lee (2005), table 2 and section 4: tenth sample, 2,357 customers, 39 weeks.
    model = FITTED[BgNbd]
    assert list(model.parameters_.values()) == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=5e-4)
    assert model.log_likelihood_ == pytest.approx(-9582.429, abs=0.01)
    assert (model.method_, model.is_fallback_) == ("bg_nbd", False)


def test_pareto_nbd_reproduces_the_published_fit():
    # The same paper, table 2.
    model = FITTED[ParetoNbd]
    assert list(model.parameters_.values()) == pytest.approx([0.553, 10.578, 0.606, 11.669], abs=2e-3)
    assert model.log_likelihood_ == pytest.approx(-9594.976, abs=0.01)


def test_bg_nbd_predicts_the_papers_example():
    # Fader, Hardie (2005), Implementing the BG/NBD Model in Excel: the customer with x=2, t_x=30.43, T=38.86
    # is expected to buy 1.226 times in the next 39 weeks.
    assert FITTED[BgNbd].expected_purchases([[2, 30.43, 38.86]], 39.0) == pytest.approx([1.226], abs=1e-3)


def test_the_probability_of_being_alive_is_that_of_the_closed_form():
    # The closed form of note 009, by hypergeometric functions.
    r, alpha, s, beta = FITTED[ParetoNbd].parameters_.values()
    x, t_x, age = 2.0, 30.43, 38.86

    def part(time):
        high, gap = max(alpha, beta), abs(alpha - beta)
        second = s + 1 if alpha >= beta else r + x
        return hyp2f1(r + s + x, second, r + s + x + 1, gap / (high + time)) / (high + time) ** (r + s + x)

    ratio = s / (r + s + x) * (alpha + age) ** (r + x) * (beta + age) ** s * (part(t_x) - part(age))
    assert FITTED[ParetoNbd].probability_alive([[x, t_x, age]]) == pytest.approx([1 / (1 + ratio)], rel=1e-9)


@pytest.mark.parametrize(("likelihood", "point"), LIKELIHOODS.values(), ids=LIKELIHOODS)
def test_slopes_equal_finite_differences(likelihood, point):
    data = Histories.of(CDNOW_WEEKS[::7])

    def value(parameters):
        return likelihood(parameters[:, None], data)[0] / data.count_customers

    def slope(parameters):
        return likelihood(parameters[:, None], data)[1][:, 0] / data.count_customers

    assert check_grad(value, slope, np.array(point)) < 1e-6


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-6, 6), st.floats(-6, 6), st.floats(-6, 6), st.floats(-6, 6),
    st.integers(0, 2000), st.floats(0, 1), st.floats(1e-3, 1e4),
)  # fmt: skip
def test_the_dropout_integral_is_finite_and_within_its_bounds(log_r, log_alpha, log_s, log_beta, x, share, age):
    r, alpha, s, beta = np.exp([log_r, log_alpha, log_s, log_beta])
    t_x = age * share if x else 0.0
    found = dropout_integral(*(np.array([value]) for value in (r + x, s, alpha, beta, t_x, age)))[:, 0]
    highest = -(r + x) * np.log(alpha + t_x) - (s + 1) * np.log(beta + t_x)
    with np.errstate(divide="ignore"):
        assert found[0] <= highest + np.log(age - t_x) + 1e-6
    assert np.isfinite(found[1:]).all()
    assert np.log(alpha + t_x) - 1e-9 <= found[1] <= np.log(alpha + age) + 1e-9


@pytest.mark.parametrize(
    ("process", "simulate", "truth"),
    [
        (BgNbd, bg_nbd_customers, (0.8, 10.0, 0.9, 2.5)),
        (ParetoNbd, pareto_nbd_customers, (0.8, 10.0, 0.9, 20.0)),
        (Nbd, nbd_customers, (0.9, 12.0)),
    ],
)
def test_recovers_known_parameters_and_predicts_what_follows(process, simulate, truth):
    histories, later = simulate(*truth, count=40_000)
    model = process().fit(histories)
    assert not model.is_fallback_
    assert list(model.parameters_.values()) == pytest.approx(truth, rel=0.15)
    assert model.expected_purchases(histories, 26.0).sum() == pytest.approx(later.sum(), rel=0.04)
    assert model.probability_no_purchase(histories, 26.0).mean() == pytest.approx((later == 0).mean(), abs=0.006)
    shares = np.array([row.mean() for row in islice(model.purchase_pmf(histories, 26.0), 4)])
    assert shares == pytest.approx([(later == count).mean() for count in range(4)], abs=0.006)


@pytest.mark.parametrize("process", PROCESSES)
def test_the_distribution_of_purchases_has_their_mean(process):
    rows = np.array([[2, 30.43, 38.86], [0, 0, 30.0], [26, 30.0, 31.0]])
    terms = np.array(list(islice(FITTED[process].purchase_pmf(rows, 39.0), 600)))
    assert terms.sum(axis=0) == pytest.approx([1.0] * 3, abs=1e-9)
    assert np.arange(600) @ terms == pytest.approx(FITTED[process].expected_purchases(rows, 39.0), rel=1e-6)


def test_many_discounted_steps_come_to_the_papers_discounted_residual_transactions():
    # Fader, Hardie, Lee (2005), RFM and CLV, eq. 3, with Tricomi's function; times in days, 15 % a year.
    model = ParetoNbd().fit(CDNOW_WEEKS * [1, 7, 7])
    r, alpha, s, beta = model.parameters_.values()
    rows, delta = np.array([[3.0, 200.0, 270.0]]), np.log(1.15) / 365
    x, _, age = rows[0]
    log_rate = gammaln(r + x + 1) - gammaln(r + x) - np.log(alpha + age)
    tricomi = hyperu(s, s, delta * (beta + age))
    expected = np.exp(log_rate + (s - 1) * np.log(delta) + s * np.log(beta + age)) * tricomi
    expected *= model.probability_alive(rows)[0]
    assert model.discounted_purchases(rows, 150 * 365.0, 0.15) == pytest.approx([expected], rel=2e-3)


def test_without_a_discount_steps_add_up_to_the_whole():
    model = FITTED[BgNbd]
    assert model.discounted_purchases(CDNOW_WEEKS, 39.0, 0.0) == pytest.approx(
        model.expected_purchases(CDNOW_WEEKS, 39.0)
    )


@pytest.mark.parametrize("process", [BgNbd, ParetoNbd])
def test_purchases_without_dropout_fall_back_to_nbd_and_say_so(process):
    histories, _ = nbd_customers(0.9, 12.0, 4000)
    model = process().fit(histories)
    assert (model.is_fallback_, model.method_) == (True, "nbd")
    assert list(model.fallback_.parameters_.values()) == pytest.approx([0.9, 12.0], rel=0.1)
    assert (model.probability_alive(histories) == 1).all()


EDGES = {
    "one customer": [[0, 0, 30.0]],
    "one customer who came again": [[3, 20.0, 30.0]],
    "no repeat buyers": [[0, 0, 30.0]] * 100,
    "all of age zero": [[0, 0, 0.0]] * 60,
    "all churned": [[1, 1.0, 300.0]] * 300,
    "all alike": [[4, 280.0, 300.0]] * 300,
    "one buys every day": [[0, 0, 300.0]] * 200 + [[300, 300.0, 300.0]],
}


@pytest.mark.parametrize("rows", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("process", PROCESSES)
def test_data_without_an_inner_maximum_give_flagged_finite_answers(process, rows):
    rows = np.array(rows)
    model = process().fit(rows)
    assert model.is_fallback_
    for answer in (
        model.expected_purchases(rows, 90.0),
        model.probability_alive(rows),
        model.probability_no_purchase(rows, 90.0),
        model.discounted_purchases(rows, 365.0, 0.1),
    ):
        assert np.isfinite(answer).all()
        assert (answer >= 0).all()


def test_no_rows_at_all_are_refused():
    with pytest.raises(ValueError, match="no history"):
        BgNbd().fit(np.zeros((0, 3)))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PROCESSES), st.integers(0, 400), st.floats(1e-3, 1), st.floats(1, 300), st.floats(1e-3, 400))
def test_predictions_stay_in_their_ranges(process, x, share, age, horizon):
    model = FITTED[process]
    row = [[x, age * share if x else 0.0, age]]
    assert 0 <= model.probability_alive(row)[0] <= 1
    assert -1e-12 <= model.probability_no_purchase(row, horizon)[0] <= 1
    shorter, longer = (model.expected_purchases(row, h)[0] for h in (horizon, 2 * horizon))
    assert 0 <= shorter <= longer * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("count", [300, 12_000], ids=["few histories", "many histories"])
def test_the_order_of_rows_changes_no_bit(process, count):
    histories, _ = bg_nbd_customers(0.8, 10.0, 0.9, 2.5, count=count)
    histories[:, 1:] = np.ceil(histories[:, 1:] * 7)
    shuffled = np.random.default_rng(0).permutation(count)
    one, other = process().fit(histories), process().fit(histories[shuffled])
    assert one.parameters_ == other.parameters_
    assert one.log_likelihood_ == other.log_likelihood_
    np.testing.assert_array_equal(
        one.expected_purchases(histories, 9.0)[shuffled], other.expected_purchases(histories[shuffled], 9.0)
    )


@pytest.mark.parametrize(
    ("process", "simulate", "truth"),
    [(BgNbd, bg_nbd_customers, (0.8, 10.0, 0.9, 2.5)), (ParetoNbd, pareto_nbd_customers, (0.8, 10.0, 0.9, 20.0))],
)
def test_the_short_way_over_coarse_histories_ends_where_the_long_way_does(process, simulate, truth, monkeypatch):
    histories, _ = simulate(*truth, count=8_000)
    histories[:, 1:] = np.ceil(histories[:, 1:] * 7)
    short = process().fit(histories)
    monkeypatch.setattr("ml.value.process.MANY_HISTORIES", 10**9)
    long = process().fit(histories)
    assert short.log_likelihood_ == pytest.approx(long.log_likelihood_, abs=1e-6)
    assert list(short.parameters_.values()) == pytest.approx(list(long.parameters_.values()), rel=1e-4)


def test_the_unit_of_time_does_not_matter():
    weeks, days = FITTED[BgNbd], BgNbd().fit(CDNOW_WEEKS * [1, 7, 7])
    assert days.parameters_["alpha"] == pytest.approx(7 * weeks.parameters_["alpha"], rel=1e-5)
    # Each repeat purchase has a density; in days it is a seventh.
    shift = CDNOW_WEEKS[:, 0].sum() * np.log(7)
    assert days.log_likelihood_ == pytest.approx(weeks.log_likelihood_ - shift, abs=1e-4)


@pytest.mark.parametrize("process", [*PROCESSES, MeanRate])
@pytest.mark.parametrize(
    "check",
    [
        check_estimator_repr,
        check_get_params_invariance,
        check_no_attributes_set_in_init,
        check_parameters_default_constructible,
        check_set_params,
    ],
)
def test_is_an_estimator(process, check):
    # scikit-learn's other checks fit on random features, which are no histories.
    check(process.__name__, process())


@pytest.mark.parametrize("process", PROCESSES)
def test_is_cloned_unfitted(process):
    with pytest.raises(NotFittedError):
        clone(FITTED[process]).predict(CDNOW_WEEKS)
    assert FITTED[process].predict(CDNOW_WEEKS).shape == (2357,)
