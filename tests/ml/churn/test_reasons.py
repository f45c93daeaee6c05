"""Reasons: Shapley values add up, words carry the customer's figures, rows keep their place."""

from __future__ import annotations

import numpy as np
import pytest

from ml.churn import reasons
from ml.churn.process import add_process
from ml.churn.reasons import REASONS, reasons_of, shapley_values
from ml.churn.train import INPUTS, fit_churn, input_matrix, labelled
from tests.ml.churn.worlds import labelled_rows, night_rows

ROWS = add_process(labelled(labelled_rows()))
NIGHT = add_process(night_rows()).set_index("customer_id")


@pytest.mark.parametrize("method", ["blend", "blend_calibrated", "boosting", "logistic", "process"])
def test_shapley_values_sum_to_the_log_odds_less_a_constant(method):
    model = fit_churn(ROWS, method)
    rest = model.decision_function(input_matrix(NIGHT)) - shapley_values(model, NIGHT).sum(axis=1)
    assert rest == pytest.approx(np.full(len(NIGHT), rest[0]), abs=1e-6)


def test_each_input_belongs_to_one_reason():
    assert sorted(name for reason in REASONS for name in reason.features) == sorted(INPUTS)


def test_the_strongest_reasons_are_told_with_the_customers_figures(monkeypatch):
    model = fit_churn(ROWS, "blend")
    told = reasons_of(model, NIGHT)
    silent = told[told["reason_1_code"] == "silence+"]
    for customer, words in silent["reason_1"].items():
        assert f"no purchase for {NIGHT.loc[customer, 'days_since_last_purchase']:.0f} days" in words
        assert words.endswith("(speaks for leaving)")
    assert len(silent) > 0
    codes = told[["reason_1_code", "reason_2_code", "reason_3_code"]]
    assert (codes.apply(lambda row: row.str.rstrip("+-").nunique(), axis=1) == 3).all()
    assert not told.isna().any().any()
    assert not told.apply(lambda column: column.str.contains("nan")).any().any()


def test_parts_and_order_of_rows_change_nothing(monkeypatch):
    model = fit_churn(ROWS, "logistic")
    whole = reasons_of(model, NIGHT)
    monkeypatch.setattr(reasons, "CHUNK", 97)
    mixed = reasons_of(model, NIGHT.sample(frac=1, random_state=1))
    assert mixed.loc[whole.index].equals(whole)
