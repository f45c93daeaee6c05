from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.value.histories import Histories, history_arrays


@pytest.mark.parametrize("unit", [1.0, 7.0], ids=["whole days", "fractions"])
def test_distinct_histories_and_counts_are_those_of_numpy(unit):
    random = np.random.default_rng(5)
    age = random.integers(1, 40, 5000).astype(float)
    x = random.integers(0, 4, 5000).astype(float)
    t_x = np.where(x > 0, np.ceil(age * random.random(5000)), 0.0)
    table = np.column_stack([x, t_x / unit, age / unit])
    expected, counts = np.unique(table, axis=0, return_counts=True)
    made = Histories.of(table)
    np.testing.assert_array_equal(np.column_stack([made.x, made.t_x, made.age]), expected)
    np.testing.assert_array_equal(made.weight, counts)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 7.0]))
def test_the_order_of_rows_changes_nothing(seed, unit):
    random = np.random.default_rng(seed)
    age = random.integers(1, 9, 60) / unit
    x = random.integers(0, 3, 60)
    table = np.column_stack([x, np.where(x > 0, age, 0.0), age])
    one, other = Histories.of(table), Histories.of(random.permutation(table))
    for name in ("x", "t_x", "age", "weight"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_cells_are_told_apart():
    same = [np.array([1.0, 1.0]), np.array([2.0, 2.0]), np.array([5.0, 5.0])]
    assert len(Histories.group(*same).x) == 1
    told = Histories.group(*same, cell=np.array([0, 1]))
    assert told.cell.tolist() == [0, 1]
    x, cell, of = told.purchases
    assert (x[of] == told.x).all()
    assert (cell[of] == told.cell).all()


def test_coarse_histories_keep_customers_and_stay_possible():
    random = np.random.default_rng(2)
    age = random.integers(1, 400, 20_000).astype(float)
    x = random.integers(0, 5, 20_000).astype(float)
    made = Histories.group(x, np.where(x > 0, np.ceil(age * random.random(20_000)), 0.0), age)
    coarse = made.coarse()
    assert len(coarse.x) < len(made.x) / 2
    assert coarse.count_customers == 20_000
    assert coarse.weight @ coarse.x == made.weight @ made.x
    again = Histories.group(coarse.x, coarse.t_x, coarse.age)
    assert again.count_customers == len(coarse.x)


@pytest.mark.parametrize("row", [(1, 5, 3), (0, 2, 3), (-1, 0, 3), (2, 0, 3), (1, np.nan, 3), (1, 2, np.inf)])
def test_impossible_histories_are_refused(row):
    with pytest.raises(ValueError, match="1 impossible histories, the first in row 1"):
        Histories.of(np.array([(0, 0, 3), row], dtype=float))


def test_a_frame_without_a_column_is_refused_by_name():
    with pytest.raises(ValueError, match="missing columns: age_days"):
        history_arrays(pd.DataFrame({"count_repeat_purchases": [1], "recency_days": [2]}))
    with pytest.raises(ValueError, match="three columns"):
        history_arrays(np.zeros((3, 2)))
