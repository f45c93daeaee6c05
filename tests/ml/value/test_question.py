"""Value models through the registry: read back bit for bit, compared, promoted or rejected."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from ml.registry.contest import judge_challenger, train_challenger
from ml.registry.files import digest, dump, load
from ml.registry.night import speaker
from ml.tables import night_and_before
from ml.value.bg_nbd import BgNbd
from ml.value.features import check_features, closed_windows
from ml.value.hybrid import HybridValue, look_back
from ml.value.model import ValueModel, fit_value_model
from ml.value.pareto_nbd import ParetoNbd
from ml.value.question import KINDS, TRUSTED, ValueQuestion
from tests.ml.value.worlds import shop


class Small(ValueQuestion):
    """The value question of a small shop, whose models `change` may spoil."""

    def __init__(self, change=None):
        self.change = change

    def read(self, url, as_of_date):
        return check_features(shop())

    def train(self, features):
        model, fit = super().train(features)
        return (self.change(model) if self.change else model), fit


@pytest.fixture(scope="module")
def rows():
    return check_features(shop())


def night_of(rows):
    return rows["as_of_date"].iloc[0]


def hybrid(rows):
    return HybridValue().fit(night_and_before(rows)[0], past=look_back(closed_windows(rows)))


def with_process(rows, process):
    model = fit_value_model(night_and_before(rows)[0])
    model.process_ = process().fit(night_and_before(rows)[0])
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: fit_value_model(night_and_before(rows)[0]),
        hybrid,
        lambda rows: with_process(rows, ParetoNbd),
        lambda rows: with_process(rows, BgNbd),
    ],
    ids=["value", "hybrid", "pareto_nbd", "bg_nbd"],
)
def test_each_kind_of_value_model_is_read_back_and_answers_alike(rows, make):
    model = make(rows)
    content = dump(model)
    again = load(content, digest(content), TRUSTED, KINDS, "value of a test")
    night = night_and_before(rows)[0]
    pd.testing.assert_frame_equal(again.predict(night), model.predict(night), check_exact=True)
    pd.testing.assert_frame_equal(again.intervals(night), model.intervals(night), check_exact=True)
    assert dump(make(rows)) == content


def contest(url, rows, change=None):
    night = night_of(rows)
    horizon = ValueQuestion().horizon_days(rows)
    _, fit = speaker(url, Small(), night - timedelta(days=7), horizon, 1, lambda: rows)
    train_challenger(url, Small(change), night)
    return fit, judge_challenger(url, Small(change), night)


def test_an_equal_challenger_is_promoted(url, rows):
    fit, outcome = contest(url, rows)
    assert (outcome.outcome, outcome.champion_version) == ("promoted", fit.model_version), outcome.reasons


def times(name, factor):
    """Spoil a parameter of the purchase process: purchases go with r and against alpha."""

    def change(model: ValueModel) -> ValueModel:
        process = model.process_.fallback_ or model.process_
        process.parameters_[name] *= factor
        return model

    return change


FAULTS = {
    "expects too little": (times("alpha", 100.0), "calibration error"),
    "expects too much": (times("r", 100.0), "calibration error"),
    "says nothing": (times("alpha", float("nan")), "missing or infinite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_challenger_is_rejected(url, rows, fault):
    change, reason = FAULTS[fault]
    _, outcome = contest(url, rows, change)
    assert outcome.outcome == "rejected"
    assert any(reason in told for told in outcome.reasons), outcome.reasons


def test_a_night_with_too_little_history_adds_no_model(url, rows):
    few = rows[rows["customer_id"].isin(rows["customer_id"].unique()[:10])]
    estimator, fit = speaker(url, Small(), night_of(rows), 50, 10, lambda: few)
    assert (estimator, fit.method) == (None, "none")
