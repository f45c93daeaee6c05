"""RFM scores and the names read off them."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from ml.segments.model import SEGMENTS, fifths, name_of, score_rfm


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
