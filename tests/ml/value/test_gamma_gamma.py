from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from sklearn.utils.estimator_checks import check_no_attributes_set_in_init, check_parameters_default_constructible

from ml.value.gamma_gamma import GammaGamma, gamma_gamma_log_likelihood, spend_arrays
from tests.ml.value.worlds import CDNOW

ROWS = CDNOW[["x", "mean_spend"]].to_numpy(float)


def test_reproduces_the_published_fit():
    # Fader, Hardie (2013), note 025, section 5: the 946 customers with a repeat purchase.
    model = GammaGamma().fit(ROWS)
    assert int((ROWS[:, 0] > 0).sum()) == 946
    assert list(model.parameters_.values()) == pytest.approx([6.25, 3.74, 15.44], abs=6e-3)
    assert model.log_likelihood_ == pytest.approx(-4055.919, abs=0.01)


def test_expected_spend_lies_between_the_customers_own_mean_and_everybodys():
    model = GammaGamma().fit(ROWS)
    once, often = model.predict([[1, 100.0], [50, 100.0]])
    assert model.population_mean_ < once < often < 100
    assert model.predict([[0, np.nan]]) == pytest.approx([model.population_mean_])
    # Note 025, eq. 5, by hand.
    p, q, v = model.parameters_.values()
    assert once == pytest.approx(p * (v + 100) / (p + q - 1))


def test_slopes_equal_finite_differences():
    x, spend = np.array([1.0, 2, 5, 1]), np.array([10.0, 22, 31, 8])
    point = np.array([3.0, 2.5, 14.0])
    error = check_grad(
        lambda p: gamma_gamma_log_likelihood(p, x, spend)[0],
        lambda p: gamma_gamma_log_likelihood(p, x, spend)[1],
        point,
    )
    assert error < 1e-5


def test_recovers_known_parameters():
    random = np.random.default_rng(4)
    x = random.integers(1, 8, 30_000).astype(float)
    nu = random.gamma(3.5, 1 / 20.0, len(x))
    model = GammaGamma().fit(np.column_stack([x, random.gamma(5.0 * x, 1 / nu) / x]))
    assert list(model.parameters_.values()) == pytest.approx([5.0, 3.5, 20.0], rel=0.1)


EDGES = {
    "nobody came again": [[0, np.nan]] * 20,
    "one buyer": [[3, 10.0]],
    "all alike": [[2, 10.0]] * 50,
    "nothing positive": [[2, 0.0], [1, -5.0]] * 20,
    "infinite": [[2, np.inf], [1, np.nan]] * 20,
    "nobody at all": np.zeros((0, 2)),
}


@pytest.mark.parametrize("rows", EDGES.values(), ids=EDGES)
def test_what_cannot_be_fitted_gets_the_flagged_mean(rows):
    model = GammaGamma().fit(np.array(rows, dtype=float))
    assert model.is_fallback_
    assert np.isfinite(model.predict([[0, np.nan], [3, 20.0]])).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.floats(-10, 1e6)), min_size=1, max_size=30))
def test_any_amounts_give_finite_answers(rows):
    table = np.array(rows, dtype=float)
    predicted = GammaGamma().fit(table).predict(table)
    assert np.isfinite(predicted).all()
    assert (predicted >= 0).all()


def test_the_order_of_rows_changes_no_bit():
    shuffled = np.random.default_rng(0).permutation(ROWS)
    assert GammaGamma().fit(ROWS).parameters_ == GammaGamma().fit(shuffled).parameters_


def test_a_frame_without_a_column_is_refused_by_name():
    with pytest.raises(ValueError, match="missing columns: average_repeat_amount"):
        spend_arrays(pd.DataFrame({"count_repeat_purchases": [1]}))


@pytest.mark.parametrize("check", [check_no_attributes_set_in_init, check_parameters_default_constructible])
def test_is_an_estimator(check):
    check("GammaGamma", GammaGamma())
