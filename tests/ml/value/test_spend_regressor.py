from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from ml.value.spend_regressor import SpendRegressor


@parametrize_with_checks([SpendRegressor()])
def test_passes_the_estimator_checks(estimator, check):
    check(estimator)


def customers(count=5000):
    random = np.random.default_rng(2)
    features = random.normal(size=(count, 2))
    mean = np.exp(1.0 + 0.8 * features[:, 0])
    visits = random.poisson(0.7 * mean)
    return features, random.gamma(2.0 * np.maximum(visits, 1), 1.0) * (visits > 0), 1.4 * mean


def test_finds_the_mean_of_amounts_that_are_mostly_none():
    features, spent, mean = customers()
    model = SpendRegressor(cap=1.0).fit(features, spent)
    assert np.corrcoef(model.predict(features), mean)[0, 1] > 0.99
    assert model.predict(features).sum() == pytest.approx(spent.sum(), rel=0.02)


def test_one_huge_order_is_no_pattern():
    features, spent, _ = customers()
    before = SpendRegressor().fit(features, spent).predict(features)
    spent[7] = 1e7
    after = SpendRegressor().fit(features, spent).predict(features)
    assert after == pytest.approx(before, rel=0.05)


def test_nobody_spending_is_expected_to_go_on():
    model = SpendRegressor().fit(np.arange(10.0)[:, None], np.zeros(10))
    assert (model.predict([[3.0]]) == 0).all()


def test_negative_amounts_are_refused():
    with pytest.raises(ValueError, match="amounts spent are none or more"):
        SpendRegressor().fit(np.zeros((3, 1)), np.array([1.0, -1.0, 2.0]))


def test_the_order_of_rows_changes_no_bit():
    features, spent, _ = customers(800)
    order = np.random.default_rng(0).permutation(800)
    one, other = SpendRegressor().fit(features, spent), SpendRegressor().fit(features[order], spent[order])
    np.testing.assert_array_equal(one.predict(features), other.predict(features))
