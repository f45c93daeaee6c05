"""Measures against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.measures import (
    average_precision,
    bootstrap,
    calibration_error_by_chance,
    expected_calibration_error,
    recall_at_share,
    roc_auc,
)

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40)


@given(ROWS)
@settings(deadline=None)
def test_areas_are_those_of_scikit_learn_with_ties_and_all(rows):
    outcome, score = np.array([row[0] for row in rows]), np.array([row[1] / 5 for row in rows])
    if outcome.all() or not outcome.any():
        assert np.isnan(roc_auc(outcome, score))
    else:
        assert roc_auc(outcome, score) == pytest.approx(roc_auc_score(outcome, score))
    if outcome.any():
        assert average_precision(outcome, score) == pytest.approx(average_precision_score(outcome, score))


def test_calibration_is_the_gap_in_each_bin_weighted_by_rows():
    # Two bins of two: told 0.2 and 0.8, came 0.5 and 1.
    assert expected_calibration_error([0, 1, 1, 1], [0.2, 0.2, 0.8, 0.8], bins=2) == pytest.approx((0.3 + 0.2) / 2)
    assert expected_calibration_error([0, 1], [0.5, 0.5]) == 0
    with pytest.raises(ValueError, match="no rows"):
        expected_calibration_error([], [])


def test_recall_counts_ties_in_part():
    assert recall_at_share([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], 0.5) == 0.5
    assert recall_at_share([1, 0, 1, 0], [0.5] * 4, 0.5) == 0.5
    assert recall_at_share([0, 0], [0.5, 0.4], 0.5) == 0.0


def test_intervals_resample_customers_and_not_rows():
    values = np.repeat(np.random.default_rng(0).normal(size=100), 10)
    customers = np.repeat(np.arange(100), 10)

    def mean(rows):
        return {"mean": float(values[rows].mean())}

    by_customer = bootstrap(mean, customers, 300, 1)["mean"]
    by_row = bootstrap(mean, np.arange(1000), 300, 1)["mean"]
    width = by_customer.upper - by_customer.lower
    assert width == pytest.approx(2 * 1.96 * values[::10].std() / 10, rel=0.2)
    assert width > 2 * (by_row.upper - by_row.lower)
    assert bootstrap(mean, customers, 300, 1)["mean"] == by_customer


def test_true_probabilities_stay_below_what_chance_explains():
    """Among 200 customers the error of true probabilities is far from 0; it exceeds the bound as rarely as told."""
    random = np.random.default_rng(4)
    told = random.beta(2, 2, size=200)
    found = np.array([expected_calibration_error(random.random(200) < told, told) for _ in range(4000)])
    assert found.mean() > 0.05
    assert 0.005 < (found > calibration_error_by_chance(told, 0.01)).mean() < 0.02
    assert calibration_error_by_chance([0.0, 1.0], 0.01) == 0
    with pytest.raises(ValueError, match="no rows"):
        calibration_error_by_chance([], 0.01)
