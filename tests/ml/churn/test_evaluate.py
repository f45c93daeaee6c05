"""The back-test: what a fit of each date may know, how the method is chosen, what noise measures."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.churn import evaluate
from ml.churn.evaluate import BackTest, measure, per_date, walk_forward
from ml.churn.model import METHODS
from ml.churn.process import add_process
from ml.churn.train import labelled
from tests.ml.churn.worlds import HORIZON, labelled_rows


@pytest.fixture(scope="module")
def test():
    return walk_forward(add_process(labelled(labelled_rows())), HORIZON)


def test_a_fit_knows_only_windows_closed_by_its_date(monkeypatch):
    seen = []

    def spy(rows):
        seen.append(rows["snapshot_date"].max())
        return fit(rows)

    fit = evaluate.fit_churn
    monkeypatch.setattr(evaluate, "fit_churn", spy)
    test = walk_forward(add_process(labelled(labelled_rows())), HORIZON)
    assert len(test.dates) == len(seen) > 2
    assert all(newest + timedelta(days=HORIZON) <= day for newest, day in zip(seen, test.dates, strict=True))


def test_the_model_ranks_better_than_chance_and_noise_does_not(test):
    found = measure(test, draws=10)
    assert found["roc_auc"].lower > 0.6
    assert found["roc_auc"].lower <= found["roc_auc"].value <= found["roc_auc"].upper
    rows = labelled(labelled_rows())
    chance = np.random.default_rng(1).random(len(rows)) < 0.5
    noise = measure(walk_forward(add_process(rows.assign(has_churned=chance)), HORIZON), draws=5)
    assert noise["roc_auc"].value == pytest.approx(0.5, abs=0.06)


def test_each_date_has_its_row(test):
    table = per_date(test)
    assert table["snapshot_date"].tolist() == test.dates
    assert table["roc_auc"].mean() == pytest.approx(measure(test, draws=2)["roc_auc"].value)


def predictions(good: str, days: list[date]):
    """Outcomes that one method tells nearly, the others not at all."""
    rows = [(day, f"c{number}", number % 2 == 0) for day in days for number in range(10)]
    table = pd.DataFrame(rows, columns=["snapshot_date", "customer_id", "has_churned"])
    for method in METHODS:
        table[method] = np.where(table["has_churned"], 0.9, 0.1) if method == good else 0.5
    return BackTest(table, 30)


def test_the_method_is_chosen_by_closed_windows_and_the_blend_speaks_before_that():
    days = [date(2024, 1, 1) + timedelta(days=15 * number) for number in range(6)]
    test = predictions("boosting", days)
    assert test.choose() == "boosting"
    # By the last date the windows of the first four dates have closed: they span 45 days.
    assert test.choose(days[-1]) == "boosting"
    # By the fourth, those of the first two: 15 days, one season's level.
    assert test.choose(days[3]) == "blend"


def test_without_dates_that_carry_a_fit_there_is_no_back_test():
    rows = add_process(labelled(labelled_rows()))
    assert walk_forward(rows.head(150), HORIZON).dates == []
