from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.tables import FeatureError, night_and_before
from ml.value.evaluate import back_test, coverage, hybrid_wins, intervals_of, measures, normalised_gini
from ml.value.features import COLUMNS, check_features, closed_windows
from ml.value.hybrid import HybridValue, look_back
from ml.value.job import score_frame
from ml.value.model import NOTES, ValueModel, fit_value_model
from ml.value.recipe import train
from tests.ml.value.worlds import shop


@pytest.fixture(scope="module")
def snapshots():
    return check_features(shop())


@pytest.fixture(scope="module")
def past(snapshots):
    return look_back(closed_windows(snapshots))


@pytest.fixture(scope="module")
def night(snapshots):
    return night_and_before(snapshots)[0]


def few_rows(count):
    row = {"count_repeat_purchases": 0, "recency_days": 0, "age_days": 10, "average_repeat_amount": np.nan}
    return pd.DataFrame([row | {"purchase_amount": 5.0, "value_horizon_days": 365}] * count)


def test_too_little_history_gives_no_value_and_says_so():
    model = fit_value_model(few_rows(10))
    assert (model.method_, model.is_fallback_) == ("none", True)
    assert "Too little history" in model.note
    assert model.predict(few_rows(3))["customer_value"].isna().all()
    assert model.intervals(few_rows(3)).isna().all(axis=None)
    assert model.parameters() == {}


def test_value_is_expected_spending_less_the_discount(night):
    model = ValueModel().fit(night)
    scores = model.predict(night)
    whole = model.predict(night.drop(columns="annual_discount_rate"))["customer_value"]
    product = scores["expected_purchases"] * scores["expected_order_value"]
    np.testing.assert_allclose(whole, product, rtol=1e-9)
    # 10 % a year over a year evenly spread: about the half of it.
    assert scores["customer_value"].sum() / whole.sum() == pytest.approx(1.1**-0.5, abs=0.005)
    assert model.method_ in NOTES
    assert np.isfinite(scores.drop(columns="probability_alive")).all(axis=None)


def test_intervals_hold_most_values_and_are_in_order(night):
    model = ValueModel().fit(night)
    ends = model.intervals(night)
    assert (ends["customer_value_lower"] <= ends["customer_value_upper"]).all()
    assert (ends["purchases_lower"] <= ends["purchases_upper"]).all()
    value = model.predict(night)["customer_value"]
    assert ((ends["customer_value_lower"] <= value) & (value <= ends["customer_value_upper"])).mean() > 0.95


def test_the_hybrid_learns_and_keeps_the_corrected_total(night, past):
    hybrid = HybridValue().fit(night, past=past)
    assert hybrid.is_learned
    process = ValueModel().fit(night)
    days, none = np.full(len(night), hybrid.window_days_), np.zeros(len(night))
    total = process.value_within(night, days, none).sum() * hybrid.total_ratio_
    assert hybrid.value_within(night, days, none).sum() == pytest.approx(total)
    assert hybrid.total_ratio_ == pytest.approx(1.0, abs=0.3)


def test_the_short_way_to_a_hybrid_gives_the_same(night, past):
    one, other = HybridValue().fit(night, past=past), HybridValue.of(ValueModel().fit(night), night, past)
    pd.testing.assert_frame_equal(one.predict(night), other.predict(night))


def test_without_closed_windows_the_value_model_answers(night):
    hybrid = HybridValue().fit(night)
    assert not hybrid.is_learned
    pd.testing.assert_frame_equal(hybrid.predict(night), ValueModel().fit(night).predict(night))


def test_the_back_test_teaches_only_what_had_closed(snapshots, past):
    tests = back_test(past)
    days = sorted(closed_windows(snapshots)["snapshot_date"].unique())
    assert sorted(tests["snapshot_date"].unique()) == days
    assert days[0] not in set(tests.loc[tests["method"] == "hybrid", "snapshot_date"])
    # What came after the second window changes nothing in what it was predicted by.
    later = [window for window in past if window.day <= days[1]]
    pd.testing.assert_frame_equal(back_test(later), tests[tests["snapshot_date"] <= days[1]].reset_index(drop=True))
    assert tests["coverage"].between(0.82, 0.97).all()
    assert tests["spearman"].gt(0.2).all()


def test_no_label_reaches_a_prediction_of_its_own_window_or_an_earlier_one(snapshots, past):
    last = past[-1]
    # Their windows have begun before the last one does, and closed after it did.
    begun = [replace(window, days=window.days + 1) for window in past[:-1]]
    for known in ([*past[:-1], last], [*begun, last]):
        spoilt = [replace(window, spent=window.spent[::-1] * 100) for window in known[1:]]
        one, other = (back_test([known[0], *windows]) for windows in (known[1:], spoilt))
        totals = [
            tests["predicted_over_actual"].to_numpy() * [by_day[day] for day in tests["snapshot_date"]]
            for tests, by_day in (
                (one, {window.day: window.spent.sum() for window in known}),
                (other, {window.day: window.spent.sum() for window in [known[0], *spoilt]}),
            )
        ]
        # Of the second window none but the first had closed; later ones are taught by spoilt labels.
        second = (one["snapshot_date"] == known[1].day).to_numpy()
        assert second.sum() == (1 if known[0].days > 50 else 2)
        np.testing.assert_allclose(totals[0][second], totals[1][second], rtol=1e-12)
        process = (one["method"] == "process").to_numpy()
        np.testing.assert_allclose(totals[0][process], totals[1][process], rtol=1e-12)


def test_any_order_of_rows_gives_the_same_bits(snapshots):
    results = []
    for frame in (snapshots, check_features(snapshots.sample(frac=1.0, random_state=3))):
        model, fit = train(frame)
        results.append((score_frame(model, *night_and_before(frame)), fit))
    pd.testing.assert_frame_equal(results[0][0], results[1][0], check_exact=True)
    assert results[0][1] == results[1][1]


def test_scores_have_no_gap(snapshots):
    model, fit = train(snapshots)
    night, before = night_and_before(snapshots)
    rows = score_frame(model, night, before)
    assert rows["customer_id"].is_monotonic_increasing
    assert rows.drop(columns=["probability_alive", "previous_customer_value"]).notna().all(axis=None)
    assert rows["previous_customer_value"].notna().sum() == len(before)
    assert fit.method == rows["value_method"].iloc[0]
    assert {"coverage", "spearman", "count_windows"} <= set(fit.metrics)


def test_a_feature_table_without_a_column_is_refused(snapshots):
    for name in COLUMNS:
        with pytest.raises(FeatureError, match=name):
            check_features(snapshots.drop(columns=name))
    with pytest.raises(FeatureError, match="repeat a key"):
        check_features(pd.concat([snapshots, snapshots.tail(1)]))


def test_gini_knows_order_and_shares_ties():
    actual = np.array([0.0, 0.0, 5.0, 1.0])
    assert normalised_gini(actual, actual) == pytest.approx(1.0)
    assert normalised_gini(actual, -actual) == pytest.approx(-1.0, abs=0.2)
    assert normalised_gini(actual, np.ones(4)) == pytest.approx(0.0)
    # By hand: the best order gains 5/6, 1, 1, 1; ours puts the 1 before the 5.
    assert normalised_gini(actual, np.array([0, 0, 1.0, 2.0])) == pytest.approx(
        ((1 / 12 + 3.5 / 6 + 1 + 1) / 4 - 0.5) / ((5 / 12 + 5.5 / 6 + 1 + 1) / 4 - 0.5)
    )
    assert np.isnan(normalised_gini(np.zeros(3), np.ones(3)))


def test_measures_and_their_intervals():
    random = np.random.default_rng(1)
    actual = random.gamma(1.0, 10.0, 2000)
    predicted = actual * random.gamma(4.0, 0.25, 2000)
    found, spread = measures(actual, predicted), intervals_of(actual, predicted)
    assert found["predicted_over_actual"] == pytest.approx(1.0, abs=0.05)
    for name, value in found.items():
        assert spread[name][0] < value < spread[name][1]


def test_the_hybrid_wins_only_where_it_ranks_better_in_both_ways():
    def tests(gini, spearman, error):
        process = {"snapshot_date": 1, "method": "process", "normalised_gini": 0.7, "spearman": 0.5}
        hybrid = process | {"method": "hybrid", "normalised_gini": gini, "spearman": spearman}
        return pd.DataFrame([process | {"mean_absolute_error": 10.0}, hybrid | {"mean_absolute_error": error}])

    assert hybrid_wins(tests(0.71, 0.51, 10.5))
    assert not hybrid_wins(tests(0.71, 0.49, 9.0))
    assert not hybrid_wins(tests(0.69, 0.51, 9.0))
    assert not hybrid_wins(tests(0.71, 0.51, 11.5))
    assert not hybrid_wins(tests(0.71, 0.51, 9.0).head(1))
    assert not hybrid_wins(pd.DataFrame())


def test_coverage_counts_the_customers_inside(past):
    window = past[-1]
    nobody = window.rows.assign(next_purchase_amount=1e9)
    assert coverage(window.model, nobody) == 0.0
    assert 0.8 < coverage(window.model, window.rows) < 1.0
