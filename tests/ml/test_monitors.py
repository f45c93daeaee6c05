"""Drift and matured labels by hand; what chance alone makes of them by drawing."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from ml.monitors import (
    CHANCE,
    LEAST,
    Reference,
    histogram,
    matured,
    matured_amounts,
    stability_index,
    stability_index_by_chance,
)


def drift(before, now, bins=10):
    return stability_index(histogram(before, bins), now)


def test_the_stability_index_is_the_one_of_the_books():
    # Two bins, cut at the median: shares 0.5 and 0.5 then, 0.8 and 0.2 now.
    before, now = np.repeat([1.0, 2.0], 50), np.repeat([1.0, 2.0], [80, 20])
    expected = 0.3 * math.log(1.6) - 0.3 * math.log(0.4)
    assert drift(before, now, bins=2) == pytest.approx(expected)


def test_equal_columns_have_not_drifted_and_other_ones_have():
    values = np.random.default_rng(0).normal(size=2000)
    assert drift(values, values[::-1]) == 0
    assert drift(values, values + 1) > 0.25
    assert drift(values, np.random.default_rng(1).normal(size=2000)) < 0.05


def test_values_that_go_missing_are_drift_and_all_missing_is_not_an_error():
    values = np.arange(100.0)
    assert drift(values, np.where(values < 50, np.nan, values)) > 0.25
    assert drift([np.nan] * 5, [np.nan] * 9) == 0
    with pytest.raises(ValueError, match="rows"):
        histogram([])
    with pytest.raises(ValueError, match="rows"):
        stability_index(histogram([1.0]), [])
    with pytest.raises(ValueError, match="rows"):
        stability_index_by_chance(histogram([1.0]), 0, 1)


def test_small_nights_of_one_population_stay_below_what_chance_explains():
    """As rarely as told, from `LEAST` customers on; with fewer the books' threshold of 0.25 would cry wolf."""
    random = np.random.default_rng(7)

    def drawn(count, times=3000):
        return np.array([drift(random.normal(size=count), random.normal(size=count)) for _ in range(times)])

    limit = stability_index_by_chance(histogram(random.normal(size=LEAST)), LEAST, LEAST)
    assert limit > 0.25
    assert (drawn(LEAST) > limit).mean() < 3 * CHANCE
    assert (drawn(60, 300) > 0.25).mean() > 0.5
    assert stability_index_by_chance(histogram(random.normal(size=LEAST)), LEAST, 60_000) < limit


def test_a_reference_comes_back_from_json_as_it_was():
    inputs = pd.DataFrame({"b": [1.0, 2.0, np.nan], "a": [5, 5, 5]})
    told = Reference.of_night(inputs, [0.1, 0.2, 0.3])
    again = Reference.of(json.loads(json.dumps(asdict(told))))
    assert again == told
    assert told.count_rows == 3
    assert stability_index(again.inputs["b"], inputs["b"]) == 0
    assert Reference.of_night(inputs.head(0), []) is None


def test_matured_scores_are_compared_with_what_came():
    found = matured([1, 0, 1, 0, np.nan], [0.9, 0.8, 0.2, 0.1, 0.5], contact_share=0.5)
    assert found.count_rows == 4
    assert found.values["recall_at_contact_share"] == 0.5
    # Each row is a bin of its own.
    assert found.values["calibration_error"] == pytest.approx((0.1 + 0.8 + 0.8 + 0.1) / 4)
    assert found.values["brier_score"] == pytest.approx((0.1**2 + 0.8**2 + 0.8**2 + 0.1**2) / 4)
    assert matured([np.nan], [0.5], 0.3) is None


def test_matured_amounts_are_compared_in_all_and_in_their_order():
    came, said = [100.0, 0.0, 50.0, np.nan, 50.0], [60.0, 10.0, 50.0, 9.0, 40.0]
    found = matured_amounts(came * 40, said * 40)
    assert found.count_rows == 160
    assert found.values == {"total_error": pytest.approx(0.2), "normalised_gini": pytest.approx(1.0)}
    # Half of 0.001 of a normal distribution lies beyond 3.2905 deviations.
    by_chance = 3.2905 * np.sqrt(40 * (40**2 + 10**2 + 10**2)) / (40 * 200)
    assert found.chances["total_error"] == pytest.approx(by_chance, abs=1e-4)
    assert matured_amounts([1.0], [9.0]).values["total_error"] == 1.0
    assert matured_amounts([np.nan], [0.5]) is None


def test_few_buyers_tell_no_order():
    assert np.isnan(matured_amounts([5.0] * 99, range(99)).values["normalised_gini"])
    assert np.isnan(matured_amounts([5.0] * 100, range(100)).values["normalised_gini"])
    assert matured_amounts(range(1, 101), range(100)).values["normalised_gini"] == pytest.approx(1.0)


def test_where_nobody_buys_an_expectation_is_wrong_unless_chance_explains_it():
    assert matured_amounts([0.0], [0.0]).values["total_error"] == 0.0
    few, many = (matured_amounts([0.0] * count, [0.5] * count) for count in (10, 1000))
    assert few.values["total_error"] == many.values["total_error"] == 1.0
    assert (few.chances["total_error"], many.chances["total_error"]) == (1.0, 0.0)


def test_chance_moves_the_total_of_amounts_as_far_as_it_says():
    random = np.random.default_rng(2)
    expected = random.gamma(2.0, 30.0, 500)
    drawn = [matured_amounts(random.exponential(expected), expected) for _ in range(4000)]
    beyond = np.mean([one.values["total_error"] > one.chances["total_error"] for one in drawn])
    assert beyond < 3 * CHANCE
