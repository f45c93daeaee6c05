"""Training and scoring frames: fallbacks, leaks, columns, bits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.churn.features import COLUMNS, feature_matrix
from ml.churn.job import score_frame
from ml.churn.leaks import LeakError
from ml.churn.recipe import train
from ml.tables import FeatureError
from tests.ml.churn.worlds import HORIZON, movements, snapshots

NOTHING = pd.DataFrame()


@pytest.fixture(scope="module")
def trained():
    return train(snapshots(), movements())


def test_training_tells_method_measures_and_intervals(trained):
    model, fit = trained
    assert fit.method == model.method
    assert not fit.is_fallback
    assert fit.metrics["roc_auc_lower"] <= fit.metrics["roc_auc"] <= fit.metrics["roc_auc_upper"]
    assert {"pr_auc", "expected_calibration_error", "recall_at_contact_share", "roc_auc_process"} <= set(fit.metrics)


def test_each_customer_of_the_night_is_scored_once_with_reasons(trained):
    model, fit = trained
    scores = score_frame(model, fit.method, snapshots())
    night = snapshots()[snapshots()["snapshot_date"] == snapshots()["as_of_date"]]
    assert scores["customer_id"].tolist() == sorted(night["customer_id"])
    assert scores["churn_probability"].between(0, 1).all()
    assert scores["reason_1"].notna().all()


def test_shuffled_tables_give_the_same_bits(trained):
    model, fit = trained
    mixed = snapshots().sample(frac=1, random_state=1).sort_values(["snapshot_date", "customer_id"])
    again, fit_again = train(mixed, movements().sample(frac=1, random_state=2))
    assert fit_again == fit
    pd.testing.assert_frame_equal(
        score_frame(again, fit_again.method, mixed), score_frame(model, fit.method, snapshots()), check_exact=True
    )


def test_a_leak_stops_the_training():
    rows = snapshots()
    knows = rows["has_churned"].isin([True]).astype(float)
    with pytest.raises(LeakError, match="count_returns: .*; count_returns: "):
        train(rows.assign(count_returns=knows), movements())


def test_without_labels_the_purchase_process_speaks_and_is_flagged():
    rows = snapshots().assign(has_churned=None)
    model, fit = train(rows, NOTHING)
    assert (model, fit.method, fit.is_fallback) == (None, "purchase_process", True)
    scores = score_frame(model, fit.method, rows)
    assert scores["churn_probability"].between(0, 1).all()
    assert scores["reason_1"].isna().all()


def few(count):
    rows = snapshots()
    night = rows[rows["snapshot_date"] == rows["as_of_date"]].head(count)
    return night.assign(count_repeat_purchases=0, recency_days=0, average_repeat_amount=np.nan)


@pytest.mark.parametrize("count", [1, 60])
def test_too_little_history_gives_no_probability_and_says_so(count):
    model, fit = train(few(count), NOTHING)
    assert (model, fit.method, fit.is_fallback) == (None, "none", True)
    assert score_frame(model, fit.method, few(count))["churn_probability"].isna().all()


@pytest.mark.parametrize("churned", [True, False])
def test_one_outcome_only_is_a_fallback(churned):
    rows = snapshots()
    rows = rows.assign(has_churned=rows["has_churned"].where(rows["has_churned"].isna(), churned))
    _, fit = train(rows, NOTHING)
    assert fit.is_fallback


def test_negative_amounts_give_numbers():
    rows = snapshots().head(50).assign(purchase_amount=-5.0, returned_amount=-50.0, last_purchase_amount=-1.0)
    matrix = feature_matrix(rows)
    assert not np.isinf(matrix.to_numpy()).any()
    assert matrix["returned_share"].isna().all()


def test_a_missing_column_is_named():
    with pytest.raises(FeatureError, match="lacks: count_lines"):
        feature_matrix(snapshots().drop(columns="count_lines"))
    assert set(COLUMNS) <= set(snapshots().columns)
    assert snapshots()["churn_horizon_days"].iloc[0] == HORIZON
