from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from ml.churn.evaluate import back_test
from ml.churn.job import train
from ml.churn.model import FEATURES, fit_churn_model, labelled, predict_churn
from ml.segments.model import SEGMENTS, fifths, name_of, score_rfm
from ml.tables import FeatureError, require_grain


def test_fifths_of_distinct_values_are_equal_and_ordered():
    values = pd.Series(range(100))
    assert fifths(values).value_counts().tolist() == [20] * 5
    assert fifths(values).is_monotonic_increasing


def test_equal_values_share_a_fifth_whatever_their_order():
    values = pd.Series([0] * 70 + list(range(1, 31)))
    scores = fifths(values)
    assert scores[:70].nunique() == 1
    shuffled = values.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(fifths(shuffled).sort_index(), scores)


def test_every_combination_of_scores_has_one_segment():
    names = {
        name_of(recency, (frequency + money) / 2)
        for recency, frequency, money in itertools.product(range(1, 6), repeat=3)
    }
    assert names == set(SEGMENTS)


def test_best_customers_are_champions_and_worst_hibernate():
    frame = pd.DataFrame(
        {
            "days_since_last_purchase": range(100),
            "count_repeat_purchases": range(100, 0, -1),
            "purchase_amount": np.arange(100, 0, -1.0),
            "returned_amount": 0.0,
        }
    )
    segments = score_rfm(frame)["segment"]
    assert segments.iloc[0] == "Champions"
    assert segments.iloc[-1] == "Hibernating"


def snapshots(count: int = 1500, seed: int = 5) -> pd.DataFrame:
    """Customers of three closed windows whose churn depends on their recency alone, by a known curve."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({name: random.gamma(2.0, 20.0, count) for name in FEATURES})
    frame["churn_truth"] = 1 / (1 + np.exp(-2.0 * (np.log1p(frame["days_since_last_purchase"]) - 3.5)))
    frame["has_churned"] = random.random(count) < frame["churn_truth"]
    frame["snapshot_date"] = np.repeat(pd.to_datetime(["2011-01-01", "2011-04-01", "2011-07-01"]).date, count // 3)
    frame["customer_id"] = [f"{i:05d}" for i in range(count)]
    return frame


def test_churn_model_recovers_the_true_probabilities():
    rows = snapshots(6000)
    predicted = predict_churn(fit_churn_model(rows), rows)
    assert np.abs(predicted - rows["churn_truth"]).mean() < 0.03


def test_churn_model_does_not_depend_on_the_order_of_rows():
    rows = snapshots()
    shuffled = rows.sample(frac=1, random_state=2)
    first = predict_churn(fit_churn_model(labelled(rows)), rows)
    second = predict_churn(fit_churn_model(labelled(shuffled)), rows)
    assert first.tolist() == second.tolist()


def test_back_test_measures_a_window_the_fit_has_not_seen():
    metrics = back_test(snapshots(6000))
    assert metrics["count_held_out"] == 2000
    assert metrics["roc_auc"] > 0.8
    assert metrics["brier_score"] < metrics["brier_score_base_rate"]
    noise = snapshots(6000).assign(has_churned=np.random.default_rng(1).random(6000) < 0.5)
    assert back_test(noise)["roc_auc"] == pytest.approx(0.5, abs=0.05)


def test_without_closed_windows_churn_falls_back_and_says_so():
    rows = snapshots(90).assign(has_churned=None, churn_horizon_days=90)
    rows["count_repeat_purchases"], rows["recency_days"], rows["age_days"] = 0, 0, 10
    rows["average_repeat_amount"], rows["value_horizon_days"] = np.nan, 365
    predict, fit = train(rows, rows.set_index("customer_id"))
    assert (fit.method, fit.is_fallback) == ("none", True)
    assert np.isnan(predict(rows)).all()


def test_repeated_keys_are_refused():
    with pytest.raises(FeatureError, match="1 rows repeat"):
        require_grain(pd.DataFrame({"customer_id": ["a", "a"]}), ["customer_id"])
    with pytest.raises(FeatureError, match="missing columns"):
        require_grain(pd.DataFrame({"customer_id": ["a"]}), ["snapshot_date"])
