"""The classifier: scikit-learn's checks, known probabilities, members, calibration, any order of rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from ml.churn.model import METHODS, ChurnClassifier
from ml.churn.process import add_process
from ml.churn.train import fit_churn, labelled, predict_churn
from tests.ml.churn.worlds import labelled_rows, night_rows


@parametrize_with_checks([ChurnClassifier(), ChurnClassifier("boosting"), ChurnClassifier("logistic")])
def test_scikit_learn_finds_nothing_to_object_to(estimator, check):
    check(estimator)


def curve(count: int = 6000, seed: int = 1):
    """Inputs, the true probability, outcomes, and the truth as a process's column."""
    random = np.random.default_rng(seed)
    inputs = random.gamma(2.0, 20.0, (count, 3))
    truth = 1 / (1 + np.exp(-2.0 * (np.log1p(inputs[:, 0]) - 3.5)))
    return np.column_stack([inputs, truth]), truth, random.random(count) < truth


@pytest.mark.parametrize("method", METHODS)
def test_true_probabilities_are_found_by_each_method(method):
    inputs, truth, outcome = curve()
    held_out = np.arange(len(inputs)) % 5 == 0
    model = ChurnClassifier(method, process_column=3).fit(inputs, outcome, held_out)
    # Trees take steps where the curve is smooth.
    assert np.abs(model.predict_proba(inputs)[:, 1] - truth).mean() < (0.06 if method == "boosting" else 0.03)
    assert model.probabilities(inputs)[method].tolist() == model.predict_proba(inputs)[:, 1].tolist()


def test_calibration_takes_back_what_members_overstate():
    inputs, truth, outcome = curve()
    log_odds = np.log(truth / (1 - truth))
    inputs[:, 3] = 1 / (1 + np.exp(-3 * log_odds))
    held_out = np.arange(len(inputs)) % 2 == 0
    told = ChurnClassifier("blend_calibrated", process_column=3).fit(inputs, outcome, held_out)
    assert told.slope_ < 0.8
    plain = clone(told).set_params(method="blend").fit(inputs, outcome, held_out)
    errors = [np.abs(model.predict_proba(inputs)[:, 1] - truth).mean() for model in (told, plain)]
    assert errors[0] < errors[1]


def test_a_process_without_an_answer_is_left_out_and_not_a_nan():
    inputs, _, outcome = curve(1000)
    inputs[:, 3] = np.nan
    model = ChurnClassifier(process_column=3).fit(inputs, outcome)
    without = ChurnClassifier().fit(inputs[:, :3], outcome)
    assert model.predict_proba(inputs).tolist() == without.predict_proba(inputs[:, :3]).tolist()
    only = ChurnClassifier("process", process_column=3).fit(inputs, outcome).predict_proba(inputs)
    assert (only == 0.5).all()


@pytest.mark.parametrize(
    ("model", "outcome", "words"),
    [
        (ChurnClassifier("oracle"), [0, 1] * 10, "'oracle' is none of"),
        (ChurnClassifier("process"), [0, 1] * 10, "needs process_column"),
        (ChurnClassifier(), [1] * 20, "two classes"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(model, outcome, words):
    with pytest.raises(ValueError, match=words):
        model.fit(np.random.default_rng(0).normal(size=(20, 2)), outcome)


def test_all_nan_constant_and_extreme_columns_give_probabilities():
    inputs, _, outcome = curve(1000)
    hard = np.column_stack([inputs[:, 0], np.full(1000, np.nan), np.zeros(1000), -1e12 * inputs[:, 1]])
    model = ChurnClassifier().fit(hard, outcome)
    found = model.predict_proba(np.vstack([hard, np.full((1, 4), np.nan)]))[:, 1]
    assert ((found >= 0) & (found <= 1)).all()


def test_any_order_of_rows_gives_the_same_bits():
    rows, night = add_process(labelled(labelled_rows())), add_process(night_rows())
    first = predict_churn(fit_churn(rows), night)
    for seed in range(2):
        mixed = rows.sample(frac=1, random_state=seed)
        shuffled = night.sample(frac=1, random_state=seed)
        again = predict_churn(fit_churn(mixed), shuffled)
        assert again[np.argsort(shuffled.index)].tolist() == first[np.argsort(night.index)].tolist()
